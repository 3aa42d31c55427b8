import { join } from "node:path";
import { measureLoad, sendLoad } from "../compare/load.ts";
import { runRounds } from "../compare/rounds.ts";
import { issuePair, placement, startApp } from "../pair/compare-pairs.ts";
import type { SidecarExtras } from "../pair/proxy-config.ts";
import { startPair, type VariantPlan } from "../pair/variant.ts";
import { type Row, type RowSurroundings, scaled } from "./row.ts";

const TYPE = "type.googleapis.com/envoy";
const METRICS = ["requests_total", "request_duration_milliseconds", "request_bytes", "response_bytes"];

/** Istio's default line. */
const LINE =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% ' +
  "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

/** Each kind of telemetry alone, as the control plane configures it. */
function kinds(
  collectorPort: number,
  logPath: string,
): Readonly<Record<"no-metrics" | "tags" | "traces" | "log", SidecarExtras>> {
  const dimensions = {
    request_host: "request.host",
    destination_port: "string(destination.port)",
    class: "response.code < 400 ? 'good' : 'bad'",
  };
  return {
    "no-metrics": { stats: { metrics: METRICS.map((name) => ({ name, drop: true })) } },
    tags: { stats: { metrics: METRICS.map((name) => ({ name, dimensions })) } },
    traces: {
      clusters: [
        {
          name: "collector",
          type: "STATIC",
          load_assignment: {
            cluster_name: "collector",
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: collectorPort } } } },
                ],
              },
            ],
          },
        },
      ],
      manager: {
        tracing: {
          random_sampling: { value: 1 },
          provider: {
            name: "envoy.tracers.zipkin",
            typed_config: {
              "@type": `${TYPE}.config.trace.v3.ZipkinConfig`,
              collector_cluster: "collector",
              collector_endpoint: "/api/v2/spans",
              collector_endpoint_version: "HTTP_JSON",
            },
          },
        },
      },
    },
    log: {
      manager: {
        access_log: [
          {
            name: "file",
            typed_config: {
              "@type": `${TYPE}.extensions.access_loggers.file.v3.FileAccessLog`,
              path: logPath,
              log_format: { text_format_source: { inline_string: LINE } },
            },
          },
        ],
      },
    },
  };
}

/** What each kind of telemetry costs the pair, beside the same pair without it; Envoy's where stock Envoy has it. */
export const telemetryRow: Row = {
  name: "telemetry",
  about:
    "sidecar pair: metrics off, metrics with three tags by expression, traces at 1 %, access log; each ÷ the same pair without",
  targets: [],
  run,
};

async function run(around: RowSurroundings) {
  const appPort = await startApp(around, 1024);
  const surroundings = {
    folder: around.folder,
    appPort,
    protocol: "http" as const,
    between: "h1" as const,
    appHttp2: false,
    cpus: placement().proxies,
    ...(await issuePair(around.folder)),
  };
  const load = {
    protocol: "http1" as const,
    requests: scaled(around, 20_000, 500),
    concurrency: 32,
    cpus: placement().load,
  };
  const plans = around.plans.flatMap((plan): readonly VariantPlan[] => [
    plan,
    ...Object.entries(kinds(appPort, join(around.folder, `${plan.name}.log`)))
      .filter(([kind]) => plan.istioStats || kind === "traces" || kind === "log")
      .map(([kind, extras]) => ({ ...plan, name: `${plan.name}-${kind}`, extras })),
  ]);
  const contestants = [];
  for (const plan of plans) {
    const variant = await startPair(plan, surroundings);
    around.children.push(...variant.proxies);
    around.progress(`warming up ${variant.name}`);
    await sendLoad(variant, { ...load, requests: scaled(around, 60_000, 500) });
    contestants.push({ name: variant.name, measure: () => measureLoad(variant, load) });
  }
  const ratios = contestants.flatMap(({ name }): (readonly [string, string])[] => {
    const [who = name, ...kind] = name.split("-");
    const ours = ["heddle", ...kind].join("-");
    const beside: (readonly [string, string])[] = who === "heddle" ? [] : [[ours, name]];
    if (kind.length === 0) return beside;
    return [...beside, kind[0] === "no" ? [who, name] : [name, who]];
  });
  return runRounds(contestants, around.rounds, around.progress, ratios);
}
