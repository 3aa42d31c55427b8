import type { SocketAddress } from "../transport/address.ts";
import type { AgentOptions } from "./agent-options.ts";
import { istioStatsConfig } from "./istio-stats.ts";
import type { NodeIdentity } from "./node-identity.ts";

export const ADMIN_PORT = 15000;
const METRICS_PORT = 15090;

const socketAddress = (address: string, port: number) => ({ socket_address: { address, port_value: port } });

const endpoint = (name: string, address: unknown) => ({
  cluster_name: name,
  endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
});

const http2 = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  },
};

const grpc = (cluster: string) => ({
  api_type: "GRPC",
  transport_api_version: "V3",
  grpc_services: [{ envoy_grpc: { cluster_name: cluster } }],
});

/** Certificates come from the agent over the unix socket; the control plane's name must lead to the mounted root. */
function controlPlaneTls(options: AgentOptions, host: string) {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      sni: host,
      common_tls_context: {
        tls_certificate_sds_secret_configs: [
          {
            name: "default",
            sds_config: {
              resource_api_version: "V3",
              api_config_source: grpc("sds-grpc"),
              initial_fetch_timeout: "0s",
            },
          },
        ],
        validation_context: {
          trusted_ca: { filename: options.files.rootCertificate },
          match_typed_subject_alt_names: [{ san_type: "DNS", matcher: { exact: host } }],
        },
      },
    },
  };
}

function metricsListener() {
  const route = { match: { prefix: "/stats/prometheus" }, route: { cluster: "prometheus_stats" } };
  return {
    name: "metrics",
    address: socketAddress("0.0.0.0", METRICS_PORT),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              stat_prefix: "stats",
              route_config: { virtual_hosts: [{ name: "backend", domains: ["*"], routes: [route] }] },
              http_filters: [
                {
                  name: "envoy.filters.http.router",
                  typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

/** So many connections that only an attack reaches it; without a limit Envoy warns at each start. */
const connectionLimit = {
  name: "envoy.resource_monitors.global_downstream_max_connections",
  typed_config: {
    "@type":
      "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
    max_active_downstream_connections: 100_000,
  },
};

/** Where the node has one user id only, the redirection knows the proxy by this mark (SOL_SOCKET 1, SO_MARK 36). */
const markedSockets = (mark: number) => ({
  socket_options: [{ description: "proxy mark", level: 1, name: 36, int_value: mark, state: "STATE_PREBIND" }],
});

const statsdSink = ({ ip, port }: SocketAddress) => ({
  name: "envoy.stat_sinks.statsd",
  typed_config: {
    "@type": "type.googleapis.com/envoy.config.metrics.v3.StatsdSink",
    address: socketAddress(ip, port),
  },
});

/** What real Envoy starts with: who it is, where its control plane and its certificates are. Source: envoy/config/bootstrap/v3. */
export function envoyBootstrap(
  options: AgentOptions,
  node: NodeIdentity,
  socketPath: string,
  mark: number | undefined,
  annotations: Readonly<Record<string, string>> = {},
  statsd?: SocketAddress | undefined,
): unknown {
  const [host = "", port = "15012"] = options.discoveryAddress.split(":");
  return {
    node: { id: node.id, cluster: node.cluster, metadata: node.metadata },
    admin: { address: socketAddress("127.0.0.1", ADMIN_PORT) },
    layered_runtime: {
      layers: [
        // Envoy's own limit, 100, refuses everyday expressions. Source: Istio's bootstrap.
        { name: "global", static_layer: { "re2.max_program_size.error_level": "32768" } },
        { name: "admin", admin_layer: {} },
      ],
    },
    stats_config: istioStatsConfig(options, annotations),
    ...(statsd === undefined ? {} : { stats_sinks: [statsdSink(statsd)] }),
    overload_manager: { resource_monitors: [connectionLimit] },
    ...(mark === undefined ? {} : { cluster_manager: { upstream_bind_config: markedSockets(mark) } }),
    dynamic_resources: {
      ads_config: { ...grpc("xds-grpc"), set_node_on_first_message_only: true },
      lds_config: { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" },
      cds_config: { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" },
    },
    static_resources: {
      listeners: [metricsListener()],
      clusters: [
        {
          name: "prometheus_stats",
          type: "STATIC",
          connect_timeout: "0.250s",
          load_assignment: endpoint("prometheus_stats", socketAddress("127.0.0.1", ADMIN_PORT)),
        },
        {
          name: "sds-grpc",
          type: "STATIC",
          connect_timeout: "1s",
          typed_extension_protocol_options: http2,
          load_assignment: endpoint("sds-grpc", { pipe: { path: socketPath } }),
        },
        {
          name: "xds-grpc",
          type: "STRICT_DNS",
          dns_lookup_family: "V4_ONLY",
          connect_timeout: "1s",
          typed_extension_protocol_options: http2,
          transport_socket: controlPlaneTls(options, host),
          upstream_connection_options: { tcp_keepalive: { keepalive_time: 300 } },
          load_assignment: endpoint("xds-grpc", socketAddress(host, Number(port))),
        },
      ],
    },
  };
}
