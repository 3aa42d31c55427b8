/** Statistics that are sent to services: the same traffic through real Envoy and here, what arrives at OpenTelemetry's collector and at metrics services compared. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { freePorts } from "@heddle/std/free-ports";
import { MetricType } from "@heddle/xds-api/io/prometheus/client/metrics";
import {
  type ExportMetricsServiceRequest,
  ExportMetricsServiceRequestSchema,
} from "@heddle/xds-api/opentelemetry/proto/collector/metrics/v1/metrics_service";
import type { KeyValue } from "@heddle/xds-api/opentelemetry/proto/common/v1/common";
import type { Metric } from "@heddle/xds-api/opentelemetry/proto/metrics/v1/metrics";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";
import { type StatsServices, startStatsServices } from "./rig/stats-services.ts";

setDefaultTimeout(60_000);
const REQUESTS = 7;
if (envoyPath() === undefined) console.log("skipped: the comparison with Envoy, which is not here (HEDDLE_ENVOY)");

const T = "type.googleapis.com";
const detector = {
  name: "static",
  typed_config: {
    "@type": `${T}/envoy.extensions.tracers.opentelemetry.resource_detectors.v3.StaticConfigResourceDetectorConfig`,
    attributes: { place: "here" },
  },
};
/** Values of a request to the collector that takes pieces. */
const MOST = 40;
/** Sinks by what is different of them; each has servers of its own. */
const OTLP: Readonly<Record<string, Json>> = {
  plain: {},
  changed: {
    report_counters_as_deltas: true,
    report_histograms_as_deltas: true,
    emit_tags_as_attributes: false,
    use_tag_extracted_name: false,
    prefix: "mesh",
    resource_detectors: [detector],
  },
  pieces: { max_data_points_per_request: MOST },
};
const SERVICE: Readonly<Record<string, Json>> = {
  plain: {},
  changed: { report_counters_as_deltas: true, emit_tags_as_labels: true },
  summaries: { histogram_emit_mode: "SUMMARY" },
  histograms: { histogram_emit_mode: "HISTOGRAM" },
};

interface Run {
  readonly proxy: ProxyProcess;
  readonly services: ReadonlyMap<string, StatsServices>;
  /** What came by OTLP over HTTP. */
  readonly posted: readonly ExportMetricsServiceRequest[];
  ask(): Promise<void>;
  stop(): Promise<void>;
}

let origin: Origin;
beforeAll(async () => {
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
});
afterAll(() => origin?.close());

async function start(engine: "heddle" | "envoy"): Promise<Run> {
  const names = [...Object.keys(OTLP).map((name) => `otlp-${name}`), ...Object.keys(SERVICE)];
  const services = new Map<string, StatsServices>();
  for (const name of names) services.set(name, await startStatsServices());
  const posted: ExportMetricsServiceRequest[] = [];
  const web = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname !== "/v1/metrics" || request.headers.get("x-mesh") !== "a") return new Response("", { status: 404 });
      posted.push(fromBinary(ExportMetricsServiceRequestSchema, new Uint8Array(await request.arrayBuffer())));
      return new Response("");
    },
  });
  const to = (name: string) => ({
    envoy_grpc: { cluster_name: name },
    initial_metadata: [{ key: "x-mesh", value: "a" }],
  });
  const otlp = (fields: Json) => ({
    name: "envoy.stat_sinks.open_telemetry",
    typed_config: { "@type": `${T}/envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig`, ...fields },
  });
  const [port = 0, adminPort = 0] = freePorts(2);
  const proxy = await startProxy({
    engine,
    adminPort,
    bootstrap: {
      node: { id: "n", cluster: "c", locality: { region: "r", zone: "z" }, metadata: { here: "there" } },
      // What comes must be read, on a busy machine too.
      stats_flush_interval: "1s",
      stats_sinks: [
        ...Object.entries(OTLP).map(([name, fields]) => otlp({ grpc_service: to(`otlp-${name}`), ...fields })),
        otlp({
          http_service: {
            http_uri: { uri: "http://collector/v1/metrics", cluster: "web", timeout: "5s" },
            request_headers_to_add: [{ header: { key: "x-mesh", value: "a" } }],
          },
        }),
        ...Object.entries(SERVICE).map(([name, fields]) => ({
          name: "envoy.stat_sinks.metrics_service",
          typed_config: {
            "@type": `${T}/envoy.config.metrics.v3.MetricsServiceConfig`,
            transport_api_version: "V3",
            grpc_service: to(name),
            ...fields,
          },
        })),
      ],
      static_resources: {
        listeners: [listener("in", port, [httpFilterChain("app")])],
        clusters: [
          cluster("app", [origin.port], "http1"),
          cluster("web", [web.port ?? 0], "http1"),
          ...[...services].map(([name, service]) => cluster(name, [service.port], "http2")),
        ],
      },
    },
  });
  return {
    proxy,
    services,
    posted,
    ask: async () => {
      const client = await connectRaw(port);
      client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
      expect(await client.ended()).toEndWith("ok");
    },
    stop: async () => {
      await proxy.stop();
      for (const service of services.values()) service.close();
      await web.stop(true);
    },
  };
}

/** Names whose values are the same in every proxy, of the cluster and the listener that have the traffic. */
const COMPARED =
  /(^|\.)(upstream_rq|upstream_rq_(total|200|2xx|xx|completed|time|active|pending_active|retry)|downstream_(rq|cx)_(total|2xx|xx|active|time|completed)|membership_(total|healthy)|upstream_cx_total|lb_healthy_panic)$/;
const isCompared = (name: string, labels: string): boolean =>
  COMPARED.test(name) &&
  !/admin/.test(name + labels) &&
  !/otlp-|plain|changed|summaries|histograms|web/.test(labels + name);
const labelsOf = (pairs: readonly (readonly [string, string])[]): string =>
  pairs
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(",")
    .replace(/127\.0\.0\.1_\d+/, "127.0.0.1_port");
const attributesOf = (list: readonly KeyValue[]): string =>
  labelsOf(list.map(({ key, value }): [string, string] => [key, String(value?.value.value)]));
const unported = (name: string): string => name.replace(/127\.0\.0\.1_\d+/, "127.0.0.1_port");

type Said = ReadonlyMap<string, number | string>;

/** What a collector heard: sums of deltas, the last of what is told whole. */
function said(exports: readonly ExportMetricsServiceRequest[]): Said {
  const found = new Map<string, number | string>();
  const add = (key: string, value: number, deltas: boolean) =>
    found.set(key, deltas ? Number(found.get(key) ?? 0) + value : value);
  for (const metric of metricsOf(exports)) {
    const { data } = metric;
    const name = unported(metric.name);
    if (data.case === "gauge" || data.case === "sum") {
      for (const { attributes, value } of data.value.dataPoints) {
        const labels = attributesOf(attributes);
        if (!isCompared(name, labels)) continue;
        const form = data.case === "sum" ? `${data.value.aggregationTemporality} ${data.value.isMonotonic}` : "";
        add(
          `${name} {${labels}} ${data.case} ${value.case} ${form}`,
          Number(value.value),
          data.case === "sum" && data.value.aggregationTemporality === 1,
        );
      }
    } else if (data.case === "histogram") {
      for (const { attributes, count, explicitBounds, bucketCounts } of data.value.dataPoints) {
        const labels = attributesOf(attributes);
        if (!isCompared(name, labels)) continue;
        const key = `${name} {${labels}} histogram ${data.value.aggregationTemporality}`;
        add(key, Number(count), data.value.aggregationTemporality === 1);
        found.set(`${key} bounds`, `${explicitBounds} ${bucketCounts.length}`);
        expect(bucketCounts.reduce((sum, one) => sum + one, 0n)).toBe(count);
      }
    }
  }
  return found;
}

function metricsOf(exports: readonly ExportMetricsServiceRequest[]): readonly Metric[] {
  return exports.flatMap(({ resourceMetrics }) =>
    resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics)),
  );
}

/** How many flushes have begun to arrive: each tells this gauge once. */
function flushesOf(exports: readonly ExportMetricsServiceRequest[]): number {
  return metricsOf(exports).filter(({ name, data }) => {
    if (!/membership_healthy$/.test(name)) return false;
    const points = data.case === "gauge" ? data.value.dataPoints : [];
    return points.some(({ attributes }) => isCompared(name, attributesOf(attributes)));
  }).length;
}

/** The same of a metrics service, whose histograms are always what is new. */
function told({ streams }: StatsServices, deltas: boolean): Said {
  const found = new Map<string, number | string>();
  const add = (key: string, value: number, sums: boolean) =>
    found.set(key, sums ? Number(found.get(key) ?? 0) + value : value);
  for (const family of streams.flat().flatMap(({ envoyMetrics }) => envoyMetrics)) {
    const name = unported(family.name ?? "");
    for (const { label, counter, gauge, summary, histogram } of family.metric) {
      const labels = labelsOf(label.map((one): [string, string] => [one.name ?? "", one.value ?? ""]));
      if (!isCompared(name, labels)) continue;
      const key = `${name} {${labels}} ${MetricType[family.type ?? 0]}`;
      if (counter !== undefined) add(key, counter.value ?? -1, deltas);
      if (gauge !== undefined) add(key, gauge.value ?? -1, false);
      if (summary !== undefined) {
        add(key, Number(summary.sampleCount), true);
        found.set(`${key} quantiles`, summary.quantile.map((one) => one.quantile).join());
      }
      if (histogram !== undefined) {
        add(key, Number(histogram.sampleCount), true);
        found.set(`${key} bounds`, histogram.bucket.map((one) => one.upperBound).join());
      }
    }
  }
  return found;
}

/** All requests are told, and nothing is under way any more. */
function complete(of: Said): boolean {
  const values = (name: RegExp) => [...of].filter(([key]) => name.test(key)).map(([, value]) => value);
  const [total, times, active] = [/downstream_rq_total\b/, /rq_time\b(?!.*(bounds|quantiles))/, /_active\b/].map(
    values,
  );
  if (total?.length === 0 || times?.length === 0 || active?.length === 0) return false;
  return [...(total ?? []), ...(times ?? [])].every((v) => v === REQUESTS) && active?.every((v) => v === 0) === true;
}

describe.skipIf(envoyPath() === undefined)("every stats_flush_interval, as real Envoy", () => {
  let ours: Run;
  let theirs: Run;
  beforeAll(async () => {
    [ours, theirs] = await Promise.all([start("heddle"), start("envoy")]);
    for (const run of [ours, theirs]) for (let i = 0; i < REQUESTS; i++) await run.ask();
  });
  afterAll(() => Promise.all([ours?.stop(), theirs?.stop()]));

  const compare = async (read: (run: Run) => Said, flushes: (run: Run) => number) => {
    for (const run of [ours, theirs]) {
      await eventually("everything was sent", () => complete(read(run)));
      // One flush may be many messages: two more begin, so that one of them has arrived whole.
      const before = flushes(run);
      await eventually("a whole flush", () => flushes(run) >= before + 2);
    }
    expect([...read(ours)].sort()).toEqual([...read(theirs)].sort());
    expect(read(ours).size).toBeGreaterThan(12);
  };
  const service = (run: Run, name: string): StatsServices => {
    const found = run.services.get(name);
    if (found === undefined) throw new Error(`no service ${name}`);
    return found;
  };

  test.each(Object.keys(OTLP))("OpenTelemetry, %s: names, attributes, kinds, values", async (name) => {
    await compare(
      (run) => said(service(run, `otlp-${name}`).exports),
      (run) => flushesOf(service(run, `otlp-${name}`).exports),
    );
    expect([...service(ours, `otlp-${name}`).meshes]).toEqual(["a"]);
  });

  test("OpenTelemetry over HTTP", () =>
    compare(
      (run) => said(run.posted),
      (run) => flushesOf(run.posted),
    ));

  test("requests have no more values than they may", async () => {
    for (const run of [ours, theirs]) {
      const sizes = () => service(run, "otlp-pieces").exports.map((one) => metricsOf([one]).length);
      await eventually("full and partial requests", () => sizes().includes(MOST));
      expect(Math.max(...sizes())).toBe(MOST);
    }
  });

  test("the resource says who sends: what detectors find", () => {
    const resource = (run: Run) =>
      attributesOf(service(run, "otlp-changed").exports[0]?.resourceMetrics[0]?.resource?.attributes ?? []);
    expect(resource(ours)).toBe("place=here,telemetry.sdk.language=nodejs,telemetry.sdk.name=heddle");
    expect(resource(theirs)).toContain("place=here,telemetry.sdk.language=cpp,telemetry.sdk.name=envoy");
  });

  test.each(Object.keys(SERVICE))("metrics service, %s: families, labels, kinds, values", async (name) => {
    await compare(
      (run) => told(service(run, name), name === "changed"),
      (run) => service(run, name).streams.flat().length,
    );
    expect([...service(ours, name).meshes]).toEqual(["a"]);
  });

  test("one stream, whose first message says who sends; another one after its end", async () => {
    for (const run of [ours, theirs]) {
      const plain = service(run, "plain");
      await eventually("several messages", () => (plain.streams[0]?.length ?? 0) > 2);
      const [first, ...rest] = plain.streams[0] ?? [];
      expect(first?.identifier?.node).toMatchObject({ id: "n", cluster: "c", metadata: { here: "there" } });
      expect(first?.identifier?.node?.locality).toMatchObject({ region: "r", zone: "z" });
      expect(rest.every(({ identifier }) => identifier === undefined)).toBe(true);
      expect(plain.streams.length).toBe(1);
      plain.endStreams();
      await eventually("another stream", () => (plain.streams[1]?.length ?? 0) > 1);
      expect(plain.streams[1]?.[0]?.identifier?.node?.id).toBe("n");
    }
  });
});
