import {
  cluster,
  downstreamTls,
  httpFilterChain,
  type Json,
  listener,
  TLS_INSPECTOR,
  tcpFilterChain,
} from "./bootstrap.ts";
import type { WorkloadFiles } from "./workloads.ts";

const EXT = "type.googleapis.com/envoy.extensions";

export interface ServiceLogPlan {
  readonly web: number;
  readonly secure: number;
  readonly tcp: number;
  /** A TCP proxy without a server behind it. */
  readonly dead: number;
  readonly origin: number;
  readonly logs: number;
  readonly client: WorkloadFiles;
  readonly server: WorkloadFiles;
}

const metadataOf = (kind: string, key: string, ...path: string[]): Json => ({
  kind: { [kind]: {} },
  metadata_key: { key, path: path.map((one) => ({ key: one })) },
  default_value: `no ${kind}`,
});

/** Tags of every kind, with and without a value. */
const TAGS: readonly Json[] = [
  { tag: "literal", literal: { value: "constant" } },
  { tag: "place", environment: { name: "MESH_PLACE", default_value: "nowhere" } },
  { tag: "fallback", environment: { name: "MESH_NOT_SET", default_value: "none" } },
  { tag: "empty", environment: { name: "MESH_NOT_SET" } },
  { tag: "header", request_header: { name: "x-one", default_value: "no header" } },
  { tag: "method", request_header: { name: ":method", default_value: "no method" } },
  { tag: "missing", request_header: { name: "x-none", default_value: "nothing" } },
  { tag: "left-out", request_header: { name: "x-none" } },
  { tag: "request", metadata: metadataOf("request", "envoy.filters.http.rbac", "shadow_engine_result") },
  { tag: "route", metadata: metadataOf("route", "place", "shelf") },
  { tag: "cluster", metadata: metadataOf("cluster", "place", "shelf") },
  { tag: "host", metadata: metadataOf("host", "place", "shelf") },
];

const stated = (key: string, text: string): Json => ({
  object_key: key,
  factory_key: "envoy.string",
  format_string: { text_format_source: { inline_string: text } },
});

export function serviceLogBootstrap(plan: ServiceLogPlan): Json {
  const log = (type: string, fields: Json = {}): Json => ({
    name: "als",
    typed_config: {
      "@type": `${EXT}.access_loggers.grpc.v3.${type}`,
      common_config: {
        log_name: type,
        transport_api_version: "V3",
        buffer_flush_interval: "0.05s",
        grpc_service: { envoy_grpc: { cluster_name: "logs" } },
        custom_tags: TAGS,
        filter_state_objects_to_log: ["mesh.path", "mesh.connection", "mesh.none"],
        grpc_stream_retry_policy: { num_retries: 3 },
      },
      ...fields,
    },
  });
  const web = log("HttpGrpcAccessLogConfig", {
    additional_request_headers_to_log: ["X-One", "x-tag"],
    additional_response_headers_to_log: ["x-origin"],
    additional_response_trailers_to_log: ["X-Last", "x-none"],
  });
  const route = (prefix: string, fields: Json): Json => ({ name: prefix, match: { prefix }, ...fields });
  const any = { any: true };
  const http = httpFilterChain("web", {
    access_log: [web],
    http_protocol_options: { enable_trailers: true },
    http_filters: [
      {
        name: "state",
        typed_config: {
          "@type": `${EXT}.filters.http.set_filter_state.v3.Config`,
          on_request_headers: [stated("mesh.path", "%REQ(:PATH)% %REQ(X-TAG)%")],
        },
      },
      {
        name: "envoy.filters.http.rbac",
        typed_config: {
          "@type": `${EXT}.filters.http.rbac.v3.RBAC`,
          rules: {
            action: "DENY",
            policies: { no: { permissions: [{ url_path: { path: { prefix: "/refused" } } }], principals: [any] } },
          },
          shadow_rules: { policies: { all: { permissions: [any], principals: [any] } } },
        },
      },
      {
        name: "router",
        // Its time takes one byte or two.
        typed_config: { "@type": `${EXT}.filters.http.router.v3.Router`, suppress_envoy_headers: true },
      },
    ],
    route_config: {
      validate_clusters: false,
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            route("/nowhere", { route: { cluster: "none" } }),
            route("/dead", { route: { cluster: "dead" } }),
            route("/direct", { direct_response: { status: 403, body: { inline_string: "teapot" } } }),
            route("/", {
              route: { cluster: "origin", prefix_rewrite: "/there/" },
              metadata: { filter_metadata: { place: { shelf: "top" } } },
            }),
          ],
        },
      ],
    },
  });
  const tcp = (target: string): Json => {
    const chain = tcpFilterChain(target, { access_log: [log("TcpGrpcAccessLogConfig")] });
    const state = {
      name: "state",
      typed_config: {
        "@type": `${EXT}.filters.network.set_filter_state.v3.Config`,
        on_new_connection: [stated("mesh.connection", "connected")],
      },
    };
    return { ...chain, filters: [state, ...(chain["filters"] as Json[])] };
  };
  const origin = cluster("origin", [plan.origin], "http1", {
    metadata: { filter_metadata: { place: { shelf: "middle" } } },
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
            {
              endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: plan.origin } } },
              metadata: { filter_metadata: { place: { shelf: "low" } } },
            },
          ],
        },
      ],
    },
  });
  return {
    node: { id: "n", cluster: "tests" },
    static_resources: {
      listeners: [
        listener("web", plan.web, [http]),
        listener("secure", plan.secure, [{ ...http, ...downstreamTls(plan.server, plan.client, ["http/1.1"]) }], {
          listener_filters: [TLS_INSPECTOR],
        }),
        listener("tcp", plan.tcp, [tcp("origin")]),
        listener("dead", plan.dead, [tcp("dead")]),
      ],
      clusters: [origin, cluster("dead", [1], "http1"), cluster("logs", [plan.logs], "http2")],
    },
  };
}
