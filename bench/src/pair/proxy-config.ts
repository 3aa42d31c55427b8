import { BENCH_NAMESPACE, type WorkloadFiles } from "./certificates.ts";

/** What the bootstrap of one proxy of the pair needs to know. */
export interface SidecarPlan {
  readonly role: "client" | "server";
  readonly listenPort: number;
  readonly targetPort: number;
  readonly adminPort: number;
  readonly own: WorkloadFiles;
  /** The only peer that is let in, or talked to. */
  readonly peer: WorkloadFiles;
  readonly protocol: "http" | "tcp";
  /** mTLS with the peer; false: plain text on both sides, for measurements of one proxy alone. */
  readonly secure: boolean;
  /** Version that this proxy speaks to its upstream. */
  readonly upstreamHttp2: boolean;
  /** Ask for Istio's standard metrics; stock Envoy lacks that filter and has its own statistics instead. */
  readonly istioStats: boolean;
  /** More than a sidecar has by itself. */
  readonly extras?: SidecarExtras;
}

/** Fields that are added as they are. */
export interface SidecarExtras {
  readonly cluster?: object;
  /** More clusters. */
  readonly clusters?: readonly object[];
  /** Of the standard metrics. */
  readonly stats?: object;
  readonly manager?: object;
  /** Before the router. */
  readonly httpFilters?: readonly object[];
  /** The listener comes from this file, which may be replaced while the proxy runs. */
  readonly listenerFile?: string;
}

const TYPE = "type.googleapis.com/envoy.extensions";
const SERVICE = `app.${BENCH_NAMESPACE}.svc.cluster.local`;

/** An Envoy v3 bootstrap with everything static, in the shape that the mesh's control plane gives to a sidecar. */
export function sidecarBootstrap(plan: SidecarPlan): unknown {
  const outbound = plan.role === "client";
  const cluster = outbound ? `outbound|8080||${SERVICE}` : "inbound|8080||";
  return {
    node: {
      id: `sidecar~127.0.0.1~${plan.role}.${BENCH_NAMESPACE}~${BENCH_NAMESPACE}.svc.cluster.local`,
      cluster: `${plan.role}.${BENCH_NAMESPACE}`,
      metadata: nodeMetadata(plan.role),
    },
    admin: { address: address(plan.adminPort) },
    ...(plan.extras?.listenerFile === undefined
      ? {}
      : { dynamic_resources: { lds_config: { path_config_source: { path: plan.extras.listenerFile } } } }),
    static_resources: {
      listeners: plan.extras?.listenerFile === undefined ? [listener(plan, cluster)] : [],
      clusters: [
        {
          name: cluster,
          type: "STATIC",
          connect_timeout: "10s",
          circuit_breakers: { thresholds: [{ max_connections: 4096, max_pending_requests: 4096, max_requests: 4096 }] },
          load_assignment: {
            cluster_name: cluster,
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(plan.targetPort) } }] }],
          },
          ...(plan.protocol === "http" ? upstreamHttp(plan.upstreamHttp2) : {}),
          ...(plan.istioStats ? {} : { track_cluster_stats: { request_response_sizes: true } }),
          ...(outbound && plan.secure ? upstreamTls(plan) : {}),
          ...plan.extras?.cluster,
        },
        ...(plan.extras?.clusters ?? []),
      ],
    },
  };
}

/** The listener alone, as a file of listeners holds it. */
export function listenerFile(plan: SidecarPlan, version: string): unknown {
  const cluster = plan.role === "client" ? `outbound|8080||${SERVICE}` : "inbound|8080||";
  return {
    version_info: version,
    resources: [{ "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", ...listener(plan, cluster) }],
  };
}

function address(port: number) {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function listener(plan: SidecarPlan, cluster: string) {
  const outbound = plan.role === "client";
  return {
    name: outbound ? "outbound" : "virtualInbound",
    address: address(plan.listenPort),
    traffic_direction: outbound ? "OUTBOUND" : "INBOUND",
    ...(outbound || !plan.secure ? {} : { listener_filters: [inspector("tls_inspector", "TlsInspector")] }),
    filter_chains: [
      {
        ...(outbound || !plan.secure
          ? {}
          : { filter_chain_match: { transport_protocol: "tls", application_protocols: inboundAlpn(plan) } }),
        filters: [plan.protocol === "http" ? connectionManager(plan, cluster) : tcpProxy(cluster)],
        ...(outbound || !plan.secure ? {} : downstreamTls(plan)),
      },
    ],
  };
}

function connectionManager(plan: SidecarPlan, cluster: string) {
  const outbound = plan.role === "client";
  const stats = {
    name: "istio.stats",
    typed_config: {
      "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
      type_url: "type.googleapis.com/stats.PluginConfig",
      value: plan.extras?.stats ?? {},
    },
  };
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: outbound ? "outbound_8080" : "inbound_8080",
      codec_type: "AUTO",
      server_name: "istio-envoy",
      use_remote_address: false,
      generate_request_id: true,
      normalize_path: true,
      forward_client_cert_details: outbound ? "SANITIZE" : "APPEND_FORWARD",
      ...(outbound ? {} : { set_current_client_cert_details: { subject: true, dns: true, uri: true } }),
      route_config: {
        name: "8080",
        virtual_hosts: [
          {
            name: `${SERVICE}:8080`,
            domains: ["*"],
            ...(plan.istioStats ? {} : metadataExchange(plan.role)),
            routes: [
              {
                name: "default",
                match: { prefix: "/" },
                route: { cluster, timeout: "0s", retry_policy: retries() },
                decorator: { operation: `${SERVICE}:8080/*` },
              },
            ],
          },
        ],
      },
      ...plan.extras?.manager,
      http_filters: [
        ...(plan.istioStats ? [stats] : []),
        ...(plan.extras?.httpFilters ?? []),
        ...(outbound && plan.secure && !plan.upstreamHttp2 ? [meshAlpn()] : []),
        { name: "envoy.filters.http.router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } },
      ],
    },
  };
}

/** Istio's default for sidecars. */
function retries() {
  return { retry_on: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", num_retries: 2 };
}

function commonTls(plan: SidecarPlan, match: object, alpn: readonly string[]) {
  return {
    alpn_protocols: alpn,
    tls_params: { tls_minimum_protocol_version: "TLSv1_2", tls_maximum_protocol_version: "TLSv1_3" },
    tls_certificates: [{ certificate_chain: { filename: plan.own.chain }, private_key: { filename: plan.own.key } }],
    validation_context: {
      trusted_ca: { filename: plan.own.root },
      match_typed_subject_alt_names: [{ san_type: "URI", matcher: match }],
    },
  };
}

function upstreamHttp(http2: boolean) {
  const http = http2 ? { http2_protocol_options: {} } : { http_protocol_options: {} };
  return {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: http,
      },
    },
  };
}

function tcpProxy(cluster: string) {
  return {
    name: "envoy.filters.network.tcp_proxy",
    typed_config: { "@type": `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: cluster, cluster },
  };
}

function upstreamTls(plan: SidecarPlan) {
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`,
        sni: `outbound_.8080_._.${SERVICE}`,
        common_tls_context: commonTls(plan, { exact: plan.peer.spiffeId }, offeredAlpn(plan)),
      },
    },
  };
}

function offeredAlpn(plan: SidecarPlan): readonly string[] {
  if (plan.protocol === "tcp") return ["istio"];
  return plan.upstreamHttp2 ? ["istio-h2"] : ["istio-http/1.1"];
}

function inboundAlpn(plan: SidecarPlan): readonly string[] {
  return plan.protocol === "tcp" ? ["istio"] : ["istio-http/1.0", "istio-http/1.1", "istio-h2"];
}

function inspector(name: string, message: string) {
  return {
    name: `envoy.filters.listener.${name}`,
    typed_config: { "@type": `${TYPE}.filters.listener.${name}.v3.${message}` },
  };
}

/** Tells the server's sidecar by ALPN that HTTP comes. */
function meshAlpn() {
  return {
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
  };
}

function nodeMetadata(role: "client" | "server") {
  return {
    NAME: `${role}-7d4b9c6f8-x2x7k`,
    NAMESPACE: BENCH_NAMESPACE,
    WORKLOAD_NAME: role,
    CLUSTER_ID: "Kubernetes",
    OWNER: `kubernetes://apis/apps/v1/namespaces/${BENCH_NAMESPACE}/deployments/${role}`,
    LABELS: {
      app: role,
      version: "v1",
      "service.istio.io/canonical-name": role,
      "service.istio.io/canonical-revision": "v1",
    },
  };
}

/**
 * What Istio's own filters do for the standard metrics and stock Envoy has no filter for: each sidecar tells the other who it is, in headers
 * that do not reach the application.
 */
function metadataExchange(role: "client" | "server") {
  const names = ["x-envoy-peer-metadata", "x-envoy-peer-metadata-id"];
  const headers = [
    header(names[0] ?? "", Buffer.from(JSON.stringify(nodeMetadata(role))).toString("base64")),
    header(names[1] ?? "", `sidecar~127.0.0.1~${role}.${BENCH_NAMESPACE}~${BENCH_NAMESPACE}.svc.cluster.local`),
  ];
  return role === "client"
    ? { request_headers_to_add: headers, response_headers_to_remove: names }
    : { request_headers_to_remove: names, response_headers_to_add: headers };
}

function header(key: string, value: string) {
  return { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" };
}

function downstreamTls(plan: SidecarPlan) {
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext`,
        require_client_certificate: true,
        // As the mesh does it: the client's mesh names choose the chain, and the codec goes by the first bytes.
        common_tls_context: commonTls(
          plan,
          { exact: plan.peer.spiffeId },
          plan.protocol === "tcp" ? ["istio"] : ["h2", "http/1.1"],
        ),
      },
    },
  };
}
