import { cluster, httpFilterChain, type Json, listener } from "./bootstrap.ts";

const EXT = "type.googleapis.com/envoy.extensions";

/** Values that are the same at both proxies, line by line. */
const SAME = [
  "ACCESS_LOG_TYPE",
  "RESPONSE_CODE",
  "RESPONSE_FLAGS",
  "ROUTE_NAME",
  "REQ(:PATH)",
  "REQ(X-ENVOY-ORIGINAL-PATH)",
  "RESP(X-ORIGIN)",
  "RESP(X-ADDED)",
  "TRAILER(X-LAST)",
  "PROTOCOL",
  "UPSTREAM_PROTOCOL",
  "UPSTREAM_CLUSTER",
  "UPSTREAM_REQUEST_ATTEMPT_COUNT",
  "BYTES_RECEIVED",
  "BYTES_SENT",
  "LISTENER_NAME",
  "FILTER_STATE(mesh.path:PLAIN)",
  "UPSTREAM_METADATA(place:shelf)",
  "METADATA(ROUTE:place:shelf)",
  "UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT",
  "REQUESTED_SERVER_NAME",
  "VIRTUAL_CLUSTER_NAME",
  "UPSTREAM_TRANSPORT_FAILURE_REASON",
  "DOWNSTREAM_WIRE_BYTES_RECEIVED",
  "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
  "STREAM_ID",
  "RESPONSE_CODE_DETAILS",
];
/** Times and ports: both are there, or both are not. */
export const THERE = [
  "START_TIME",
  "DURATION",
  "REQUEST_DURATION",
  "RESPONSE_DURATION",
  "RESPONSE_TX_DURATION",
  "UPSTREAM_HOST",
  "UPSTREAM_LOCAL_ADDRESS",
  "UPSTREAM_CONNECTION_ID",
];

/** Every listener of the bootstrap. */
export const TRIED = ["end", "early"] as const;
export type Tried = (typeof TRIED)[number];

export interface TryLogPlan {
  readonly ports: Readonly<Record<Tried, number>>;
  readonly origin: number;
  readonly log: string;
}

export function tryLogBootstrap(plan: TryLogPlan): Json {
  const log = (filter?: Json): Json => ({
    name: "file",
    ...(filter === undefined ? {} : { filter }),
    typed_config: {
      "@type": `${EXT}.access_loggers.file.v3.FileAccessLog`,
      path: plan.log,
      log_format: { json_format: Object.fromEntries([...SAME, ...THERE].map((name) => [name, `%${name}%`])) },
    },
  });
  const retry = (on: string, more: Json = {}): Json => ({
    retry_policy: { retry_on: on, num_retries: 2, retry_back_off: { base_interval: "0.01s" }, ...more },
  });
  const route = (name: string, fields: Json): Json => ({ name, match: { prefix: `/${name}` }, route: fields });
  const chain = (router: Json): Json =>
    httpFilterChain("web", {
      generate_request_id: false,
      http_protocol_options: { enable_trailers: true },
      http_filters: [
        {
          name: "state",
          typed_config: {
            "@type": `${EXT}.filters.http.set_filter_state.v3.Config`,
            on_request_headers: [
              {
                object_key: "mesh.path",
                factory_key: "envoy.string",
                format_string: { text_format_source: { inline_string: "%REQ(:PATH)%" } },
              },
            ],
          },
        },
        {
          name: "router",
          typed_config: { "@type": `${EXT}.filters.http.router.v3.Router`, suppress_envoy_headers: true, ...router },
        },
      ],
      access_log: [log()],
      route_config: {
        response_headers_to_add: [{ header: { key: "x-added", value: "yes" } }],
        virtual_hosts: [
          {
            name: "all",
            domains: ["*"],
            routes: [
              { ...route("direct", {}), route: undefined, direct_response: { status: 403 } },
              route("dead", { cluster: "dead", ...retry("connect-failure") }),
              route("full", { cluster: "full" }),
              route("empty", { cluster: "empty" }),
              route("hang", {
                cluster: "origin",
                timeout: "3s",
                ...retry("5xx", { num_retries: 1, per_try_timeout: "0.3s" }),
              }),
              route("late", { cluster: "origin", timeout: "0.4s" }),
              route("reset", { cluster: "origin", ...retry("reset", { num_retries: 1 }) }),
              {
                ...route("flaky", { cluster: "origin", prefix_rewrite: "/there", ...retry("5xx") }),
                metadata: { filter_metadata: { place: { shelf: "top" } } },
              },
              route("", { cluster: "origin", timeout: "20s" }),
            ],
          },
        ],
      },
    });
  const origin = { socket_address: { address: "127.0.0.1", port_value: plan.origin } };
  return {
    node: { id: "n", cluster: "tests" },
    static_resources: {
      listeners: [
        listener("end", plan.ports.end, [chain({ upstream_log: [log()] })]),
        listener("early", plan.ports.early, [
          chain({
            upstream_log: [
              log({ log_type_filter: { types: ["UpstreamPoolReady", "UpstreamPeriodic", "UpstreamEnd"] } }),
            ],
            upstream_log_options: {
              flush_upstream_log_on_upstream_stream: true,
              upstream_log_flush_interval: "0.5s",
            },
          }),
        ]),
      ],
      clusters: [
        cluster("origin", [], "http1", {
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
              explicit_http_config: { http_protocol_options: { enable_trailers: true } },
            },
          },
          load_assignment: {
            cluster_name: "origin",
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: origin }, metadata: { filter_metadata: { place: { shelf: "low" } } } },
                ],
              },
            ],
          },
        }),
        cluster("dead", [1], "http1"),
        cluster("empty", [], "http1"),
        cluster("full", [plan.origin], "http1", {
          circuit_breakers: { thresholds: [{ max_pending_requests: 0, max_connections: 0 }] },
        }),
      ],
    },
  };
}
