/** By the package of the extension's messages (without its version): what the proxy does not do, and what to use. */
export type LeftOut = Readonly<Record<string, string>>;

const HTTP = "envoy.extensions.filters.http.";
const NETWORK = "envoy.extensions.filters.network.";
const SCRIPTS = "the proxy runs no code of others; use header_mutation or ext_authz";
const MODULES = "the proxy runs no modules of others; use ext_authz or a service of your own";

export const LEFT_OUT_HTTP: LeftOut = {
  [`${HTTP}lua`]: "the proxy runs no scripts; use header_mutation or ext_authz",
  [`${HTTP}wasm`]: "the proxy runs no WebAssembly; use ext_authz",
  [`${HTTP}golang`]: SCRIPTS,
  [`${HTTP}dynamic_modules`]: MODULES,
  [`${HTTP}cache`]: "answers are not kept; put a cache behind the proxy",
  [`${HTTP}cache_v2`]: "answers are not kept; put a cache behind the proxy",
  [`${HTTP}oauth2`]:
    "the proxy keeps no login sessions; use ext_authz with a login service, and jwt_authn for its tokens",
  [`${HTTP}credential_injector`]:
    "the proxy keeps no credentials for others; add the header with request_headers_to_add",
  [`${HTTP}grpc_json_transcoder`]: "bodies are not translated; use grpc_web, or a gateway for JSON in the application",
  [`${HTTP}grpc_json_reverse_transcoder`]: "bodies are not translated; let the application speak gRPC",
  [`${HTTP}dynamic_forward_proxy`]:
    "clusters are not made from requests; name the hosts in clusters, or send CONNECT to a forward proxy",
  [`${HTTP}aws_lambda`]: "requests are not signed for AWS; call Lambda from the application",
  [`${HTTP}aws_request_signing`]: "requests are not signed for AWS; sign them in the application",
  [`${HTTP}gcp_authn`]: "tokens are not fetched from Google's metadata server; fetch them in the application",
  [`${HTTP}adaptive_concurrency`]: "limits of concurrency are fixed; use circuit_breakers, or local_ratelimit",
  [`${HTTP}rate_limit_quota`]: "quotas are not assigned by a server; use ratelimit or local_ratelimit",
  [`${HTTP}custom_response`]: "use local_reply_config for answers of the proxy itself",
  [`${HTTP}tap`]: "requests are shown by heddle viz tap, and on the admin page /tap",
  [`${HTTP}geoip`]: "the proxy has no map of addresses; let the edge or ext_authz say where a client is",
  [`${HTTP}json_to_metadata`]: "bodies are not read for metadata; use ext_authz with with_request_body",
  [`${HTTP}bandwidth_limit`]:
    "bodies go as fast as both ends take them; slow answers down by fault's response_rate_limit",
  [`${HTTP}grpc_http1_bridge`]: "bodies are not translated; use grpc_web",
  [`${HTTP}grpc_http1_reverse_bridge`]: "bodies are not translated; let the application speak gRPC",
  [`${HTTP}sse_to_metadata`]: "bodies are not read for metadata",
  [`${HTTP}composite`]: "filters are chosen by route; use typed_per_filter_config with disabled",
  [`${HTTP}on_demand`]: "resources arrive with their listener; leave the filter out",
  [`${HTTP}file_system_buffer`]: "bodies wait in memory only; use buffer with max_request_bytes",
  [`${HTTP}file_server`]: "the proxy serves no files; use a web server, or direct_response",
  [`${HTTP}kill_request`]: "requests can't end the proxy; use fault, or SIGKILL",
  [`${HTTP}alternate_protocols_cache`]: "HTTP/3 is not implemented",
  [`${HTTP}upstream_codec`]: "filters run once for a request, before the router; leave http_filters of the cluster out",
  [`${HTTP}original_src`]:
    "connections to servers come from the proxy's address; use x-forwarded-for or proxy_protocol",
  "envoy.extensions.common.matching": "filters are chosen by route; use typed_per_filter_config with disabled",
  "envoy.config.trace.v3.DatadogConfig": "use OpenTelemetryConfig, which Datadog's agent takes (OTLP)",
  "envoy.config.trace.v3.SkyWalkingConfig":
    "use OpenTelemetryConfig or ZipkinConfig, both of which SkyWalking's server takes",
  "envoy.config.trace.v3.LightstepConfig": "use OpenTelemetryConfig",
  "envoy.config.trace.v3.XRayConfig": "use OpenTelemetryConfig with the collector of AWS",
  "envoy.config.trace.v3.OpenCensusConfig": "Envoy has given it up, too; use OpenTelemetryConfig",
  "envoy.config.trace.v3.DynamicOtConfig": "the proxy loads no libraries of others; use OpenTelemetryConfig",
  "envoy.extensions.clusters.aggregate":
    "clusters do not lead to clusters; use priorities of one cluster, or weighted_clusters",
  "envoy.extensions.clusters.dynamic_forward_proxy":
    "clusters are not made from requests; name the hosts in clusters, or use ORIGINAL_DST with a header",
  "envoy.extensions.clusters.redis": "Redis passes as bytes; use tcp_proxy with STRICT_DNS",
  "envoy.extensions.clusters.original_dst": "use type ORIGINAL_DST with original_dst_lb_config",
  "envoy.extensions.router.cluster_specifiers":
    "clusters are chosen by the route; use cluster_header or weighted_clusters",
};

export const LEFT_OUT_LISTENERS: LeftOut = {
  [`${NETWORK}redis_proxy`]: "Redis passes as bytes; use tcp_proxy",
  [`${NETWORK}mongo_proxy`]: "MongoDB passes as bytes; leave the filter out and keep tcp_proxy",
  [`${NETWORK}mysql_proxy`]: "MySQL passes as bytes; leave the filter out and keep tcp_proxy",
  [`${NETWORK}postgres_proxy`]: "PostgreSQL passes as bytes; leave the filter out and keep tcp_proxy",
  [`${NETWORK}kafka_broker`]: "Kafka passes as bytes; leave the filter out and keep tcp_proxy",
  [`${NETWORK}kafka_mesh`]: "Kafka passes as bytes; use tcp_proxy",
  [`${NETWORK}zookeeper_proxy`]: "ZooKeeper passes as bytes; leave the filter out and keep tcp_proxy",
  [`${NETWORK}dubbo_proxy`]: "Dubbo passes as bytes; use tcp_proxy",
  [`${NETWORK}thrift_proxy`]: "Thrift passes as bytes; use tcp_proxy",
  [`${NETWORK}rocketmq_proxy`]: "RocketMQ passes as bytes; use tcp_proxy",
  [`${NETWORK}generic_proxy`]: "other protocols than HTTP pass as bytes; use tcp_proxy",
  [`${NETWORK}echo`]: "the proxy answers no bytes of its own; use direct_response, or an echo server behind tcp_proxy",
  [`${NETWORK}ext_authz`]:
    "connections are not checked by a service; use the network filter rbac, or ext_authz for HTTP",
  [`${NETWORK}ratelimit`]: "connections are not counted by a service; use local_ratelimit or connection_limit",
  [`${NETWORK}sni_dynamic_forward_proxy`]:
    "clusters are not made from connections; use sni_cluster with clusters of those names",
  [`${NETWORK}wasm`]: "the proxy runs no WebAssembly",
  [`${NETWORK}golang`]: "the proxy runs no code of others",
  [`${NETWORK}dynamic_modules`]: MODULES,
  "envoy.extensions.filters.listener.original_src":
    "connections to servers come from the proxy's address; use x-forwarded-for or proxy_protocol",
  "envoy.extensions.filters.listener.local_ratelimit": "use the network filter local_ratelimit",
  "envoy.extensions.filters.udp": "only TCP is served",
  "envoy.extensions.transport_sockets.quic": "HTTP/3 is not implemented",
  "envoy.extensions.transport_sockets.tap": "bytes of connections are not recorded",
  "envoy.extensions.transport_sockets.alts": "use the transport socket tls",
  "envoy.extensions.transport_sockets.starttls": "TLS begins with the connection; use the transport socket tls",
  "envoy.extensions.transport_sockets.tcp_stats": "the kernel's numbers of connections are not read; leave it out",
  "envoy.extensions.transport_sockets.internal_upstream": "there are no listeners inside the process",
  "envoy.extensions.transport_sockets.http_11_proxy": "use tunneling_config of tcp_proxy for CONNECT",
  "envoy.extensions.access_loggers.wasm": "the proxy runs no WebAssembly; use a file, grpc or open_telemetry",
  "envoy.extensions.access_loggers.fluentd": "use open_telemetry, or a file that Fluentd reads",
  "envoy.extensions.access_loggers.dynamic_modules": MODULES,
};

export const LEFT_OUT_BOOTSTRAP: LeftOut = {
  "envoy.extensions.bootstrap.wasm": "the proxy runs no WebAssembly",
  "envoy.extensions.bootstrap.internal_listener": "there are no listeners inside the process",
  "envoy.extensions.stat_sinks.wasm": "the proxy runs no WebAssembly",
  "envoy.extensions.stat_sinks.graphite_statsd": "use DogStatsdSink, or StatsdSink",
  "envoy.config.metrics.v3.HystrixSink": "use the admin page /stats/prometheus",
};

const ALL: LeftOut = { ...LEFT_OUT_HTTP, ...LEFT_OUT_LISTENERS, ...LEFT_OUT_BOOTSTRAP };
const ENVOY = "run the workload with Envoy (heddle.io/data-plane: envoy)";
/** A table of more than so many extensions is in docs/proxy.md. */
const LISTED = 4;

/** Why an extension is left out, by a message of it; undefined: no more is known than that it is not there. */
export function leftOutReason(type: string): string | undefined {
  for (let end = type.length; end > 0; end = type.lastIndexOf(".", end - 1)) {
    const reason = ALL[type.slice(0, end)];
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** What is said of an extension that the proxy does not have at a place where it has those `known`. */
export function unknownExtension(type: string, known: readonly string[] = []): string {
  const says = `${type} is not an extension that this proxy has`;
  const reason = leftOutReason(type);
  if (reason !== undefined) return `refused: ${says}: ${reason}, or ${ENVOY}`;
  const close = known.find((name) => isTypo(type, name));
  if (close !== undefined) return `${says} here; did you mean ${close}?`;
  const here = known.length === 0 || known.length > LISTED ? "" : ` here; it has ${known.join(", ")}`;
  return `${says}${here}; remove it, or ${ENVOY}`;
}

/** Whether a long name differs by a few letters only. */
function isTypo(type: string, known: string): boolean {
  let same = 0;
  while (same < type.length && type[same] === known[same]) same++;
  let end = 0;
  while (end < type.length - same && type.at(-1 - end) === known.at(-1 - end)) end++;
  return Math.max(type.length, known.length) - same - end <= 3;
}
