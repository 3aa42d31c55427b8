import { cluster, httpFilterChain, type Json, listener, tcpFilterChain } from "./bootstrap.ts";

const EXT = "type.googleapis.com/envoy.extensions";

/** Every listener of the bootstrap; each writes lines at other times. */
export const TIMED = [
  "web",
  "webCalm",
  "webOld",
  "webFiltered",
  "webEnd",
  "tcp",
  "tcpOld",
  "tcpDead",
  "tcpEnd",
] as const;
export type Timed = (typeof TIMED)[number];

/** Values that are the same at both proxies, line by line. */
const SAME = [
  "ACCESS_LOG_TYPE",
  "RESPONSE_CODE",
  "RESPONSE_CODE_DETAILS",
  "RESPONSE_FLAGS",
  "ROUTE_NAME",
  "REQ(:PATH)",
  "REQ(X-ENVOY-ORIGINAL-PATH)",
  "RESP(X-ORIGIN)",
  "PROTOCOL",
  "UPSTREAM_PROTOCOL",
  "UPSTREAM_CLUSTER",
  "UPSTREAM_REQUEST_ATTEMPT_COUNT",
  "BYTES_RECEIVED",
  "BYTES_SENT",
  "LISTENER_NAME",
];
/** Times and ports: both are there, or both are not. */
export const THERE = [
  "DURATION",
  "REQUEST_DURATION",
  "RESPONSE_DURATION",
  "RESPONSE_TX_DURATION",
  "UPSTREAM_HOST",
  "UPSTREAM_LOCAL_ADDRESS",
];

export interface TimingPlan {
  readonly ports: Readonly<Record<Timed, number>>;
  readonly web: number;
  readonly echo: number;
  readonly logs: number;
  readonly log: string;
}

export function timingBootstrap(plan: TimingPlan): Json {
  const file: Json = {
    name: "file",
    typed_config: {
      "@type": `${EXT}.access_loggers.file.v3.FileAccessLog`,
      path: plan.log,
      log_format: { json_format: Object.fromEntries([...SAME, ...THERE].map((name) => [name, `%${name}%`])) },
    },
  };
  const service = (type: string): Json => ({
    name: "als",
    typed_config: {
      "@type": `${EXT}.access_loggers.grpc.v3.${type}`,
      common_config: {
        log_name: type,
        transport_api_version: "V3",
        buffer_flush_interval: "0.1s",
        grpc_service: { envoy_grpc: { cluster_name: "logs" } },
      },
    },
  });
  const route_config = {
    name: "table",
    virtual_hosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [{ name: "here", match: { prefix: "/" }, route: { cluster: "web", prefix_rewrite: "/there/" } }],
      },
    ],
  };
  const http = (fields: Json, log: Json = file): Json =>
    httpFilterChain("web", { route_config, access_log: [log, service("HttpGrpcAccessLogConfig")], ...fields });
  const tcp = (fields: Json, target = "echo"): Json =>
    tcpFilterChain(target, { access_log: [file, service("TcpGrpcAccessLogConfig")], ...fields });
  const all = { access_log_flush_interval: "0.5s", flush_access_log_on_new_request: true };
  const wanted = { types: ["DownstreamPeriodic", "DownstreamEnd"] };
  const chains: Readonly<Record<Timed, Json>> = {
    web: http({ access_log_options: { ...all, flush_log_on_tunnel_successfully_established: true } }),
    // No machine is so busy that a quick request takes as long.
    webCalm: http({ access_log_options: { ...all, access_log_flush_interval: "60s" } }),
    webOld: http(all),
    webFiltered: http({ access_log_options: all }, { ...file, filter: { log_type_filter: wanted } }),
    webEnd: http({}),
    tcp: tcp({
      access_log_options: {
        access_log_flush_interval: "0.5s",
        flush_access_log_on_connected: true,
        flush_access_log_on_start: true,
      },
    }),
    tcpOld: tcp({ access_log_flush_interval: "0.5s", flush_access_log_on_connected: true }),
    tcpDead: tcp(
      { access_log_options: { flush_access_log_on_connected: true, flush_access_log_on_start: true } },
      "dead",
    ),
    tcpEnd: tcp({}),
  };
  return {
    node: { id: "n", cluster: "tests" },
    static_resources: {
      listeners: TIMED.map((name) => listener(name, plan.ports[name], [chains[name]])),
      clusters: [
        cluster("web", [plan.web], "http1"),
        cluster("echo", [plan.echo]),
        cluster("dead", [1]),
        cluster("logs", [plan.logs], "http2"),
      ],
    },
  };
}
