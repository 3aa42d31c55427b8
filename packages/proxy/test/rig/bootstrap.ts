import type { WorkloadFiles } from "./workloads.ts";

/** A piece of Envoy v3 configuration as JSON. */
export type Json = Readonly<Record<string, unknown>>;

const TYPE = "type.googleapis.com/envoy.extensions";
/** Protocols of mesh mTLS that carry HTTP, in Istio's names. */
export const MESH_HTTP = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];
export const MESH_TCP = ["istio", "istio-peer-exchange"];

export function address(port: number): Json {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

export function httpFilterChain(cluster: string, options: Json = {}, route: Json = {}): Json {
  return {
    filters: [
      {
        name: "envoy.filters.network.http_connection_manager",
        typed_config: {
          "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
          stat_prefix: cluster.replaceAll("|", "_"),
          codec_type: "AUTO",
          server_name: "istio-envoy",
          normalize_path: true,
          upgrade_configs: [{ upgrade_type: "websocket" }],
          route_config: {
            name: "local",
            virtual_hosts: [
              {
                name: "all",
                domains: ["*"],
                routes: [{ match: { prefix: "/" }, route: { cluster, timeout: "0s", ...route } }],
              },
            ],
          },
          http_filters: [
            { name: "envoy.filters.http.router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } },
          ],
          ...options,
        },
      },
    ],
  };
}

/** A connection manager that only routes, with nothing but defaults. */
export function bareHttpChain(routes: readonly Json[]): Json {
  const manager = {
    "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "in",
    http_filters: [{ name: "router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } }],
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
  };
  return { filters: [{ name: "http", typed_config: manager }] };
}

/** Connection manager fields of the mesh's own outbound listeners: ALPN by filter state, with which two of our proxies share connections. */
export const MESH_ALPN_BY_FILTER: Json = {
  http_filters: [
    {
      name: "envoy.filters.http.set_filter_state",
      typed_config: {
        "@type": `${TYPE}.filters.http.set_filter_state.v3.Config`,
        on_request_headers: [
          {
            object_key: "envoy.network.application_protocols",
            format_string: { text_format_source: { inline_string: "istio-http/1.1,istio-h2" } },
            shared_with_upstream: "ONCE",
          },
        ],
      },
    },
    { name: "envoy.filters.http.router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } },
  ],
};

export function tcpFilterChain(cluster: string, options: Json = {}): Json {
  return {
    filters: [
      {
        name: "envoy.filters.network.tcp_proxy",
        typed_config: {
          "@type": `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`,
          stat_prefix: cluster.replaceAll("|", "_"),
          cluster,
          ...options,
        },
      },
    ],
  };
}

export function listener(name: string, port: number, chains: readonly Json[], options: Json = {}): Json {
  return { name, address: address(port), filter_chains: chains, ...options };
}

export const TLS_INSPECTOR: Json = {
  name: "envoy.filters.listener.tls_inspector",
  typed_config: { "@type": `${TYPE}.filters.listener.tls_inspector.v3.TlsInspector` },
};
export const HTTP_INSPECTOR: Json = {
  name: "envoy.filters.listener.http_inspector",
  typed_config: { "@type": `${TYPE}.filters.listener.http_inspector.v3.HttpInspector` },
};

/** A cluster of fixed endpoints. `http`: what its HTTP connections speak. */
export function cluster(
  name: string,
  ports: readonly number[],
  http: "http1" | "http2" | "downstream" = "downstream",
  options: Json = {},
): Json {
  const spoken =
    http === "downstream"
      ? { use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} } }
      : { explicit_http_config: http === "http2" ? { http2_protocol_options: {} } : { http_protocol_options: {} } };
  return {
    name,
    type: "STATIC",
    connect_timeout: "20s",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        ...spoken,
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })) }],
    },
    ...options,
  };
}

function commonTls(own: WorkloadFiles, peer: WorkloadFiles, alpn: readonly string[]): Json {
  return {
    alpn_protocols: alpn,
    tls_certificates: [{ certificate_chain: { filename: own.chain }, private_key: { filename: own.key } }],
    validation_context: {
      trusted_ca: { filename: own.root },
      match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: peer.spiffeId } }],
    },
  };
}

export function upstreamTls(own: WorkloadFiles, peer: WorkloadFiles, alpn: readonly string[]): Json {
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`,
        sni: "outbound_.80_._.app.test.svc.cluster.local",
        common_tls_context: commonTls(own, peer, alpn),
      },
    },
  };
}

export function downstreamTls(own: WorkloadFiles, peer: WorkloadFiles, alpn: readonly string[]): Json {
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext`,
        require_client_certificate: true,
        common_tls_context: commonTls(own, peer, alpn),
      },
    },
  };
}
