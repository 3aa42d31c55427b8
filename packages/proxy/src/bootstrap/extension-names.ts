/** Where a v2 bootstrap names an extension: what its `config:` is today, and the well-known name. */
export interface ExtensionType {
  readonly name: string;
  readonly type: string;
}

const NETWORK = "envoy.extensions.filters.network";
const HTTP = "envoy.extensions.filters.http";
const LISTENER = "envoy.extensions.filters.listener";

/** v2 names (the first column of Envoy 1.14's deprecation list) and v3 names. */
const TABLE: readonly (readonly [v2: string, v3: string, type: string])[] = [
  ["envoy.tcp_proxy", "envoy.filters.network.tcp_proxy", `${NETWORK}.tcp_proxy.v3.TcpProxy`],
  [
    "envoy.http_connection_manager",
    "envoy.filters.network.http_connection_manager",
    `${NETWORK}.http_connection_manager.v3.HttpConnectionManager`,
  ],
  ["envoy.filters.network.rbac", "envoy.filters.network.rbac", `${NETWORK}.rbac.v3.RBAC`],
  ["envoy.filters.network.sni_cluster", "envoy.filters.network.sni_cluster", `${NETWORK}.sni_cluster.v3.SniCluster`],
  ["envoy.router", "envoy.filters.http.router", `${HTTP}.router.v3.Router`],
  ["envoy.cors", "envoy.filters.http.cors", `${HTTP}.cors.v3.Cors`],
  ["envoy.fault", "envoy.filters.http.fault", `${HTTP}.fault.v3.HTTPFault`],
  ["envoy.grpc_web", "envoy.filters.http.grpc_web", `${HTTP}.grpc_web.v3.GrpcWeb`],
  ["envoy.buffer", "envoy.filters.http.buffer", `${HTTP}.buffer.v3.Buffer`],
  ["envoy.health_check", "envoy.filters.http.health_check", `${HTTP}.health_check.v3.HealthCheck`],
  ["envoy.lua", "envoy.filters.http.lua", `${HTTP}.lua.v3.Lua`],
  ["envoy.rate_limit", "envoy.filters.http.ratelimit", `${HTTP}.ratelimit.v3.RateLimit`],
  ["envoy.ext_authz", "envoy.filters.http.ext_authz", `${HTTP}.ext_authz.v3.ExtAuthz`],
  ["envoy.filters.http.rbac", "envoy.filters.http.rbac", `${HTTP}.rbac.v3.RBAC`],
  ["envoy.filters.http.jwt_authn", "envoy.filters.http.jwt_authn", `${HTTP}.jwt_authn.v3.JwtAuthentication`],
  ["envoy.listener.original_dst", "envoy.filters.listener.original_dst", `${LISTENER}.original_dst.v3.OriginalDst`],
  ["envoy.listener.tls_inspector", "envoy.filters.listener.tls_inspector", `${LISTENER}.tls_inspector.v3.TlsInspector`],
  [
    "envoy.listener.http_inspector",
    "envoy.filters.listener.http_inspector",
    `${LISTENER}.http_inspector.v3.HttpInspector`,
  ],
  [
    "envoy.listener.proxy_protocol",
    "envoy.filters.listener.proxy_protocol",
    `${LISTENER}.proxy_protocol.v3.ProxyProtocol`,
  ],
  ["envoy.file_access_log", "envoy.access_loggers.file", "envoy.extensions.access_loggers.file.v3.FileAccessLog"],
];

const BY_NAME: ReadonlyMap<string, ExtensionType> = new Map(
  TABLE.flatMap(([v2, name, type]) => [
    [v2, { name, type }],
    [name, { name, type }],
  ]),
);

/** The extension of a v2 or v3 name. */
export function extensionOf(name: string): ExtensionType | undefined {
  return BY_NAME.get(name);
}

/** v2 message names inside `@type`, for those that moved. */
const MOVED: ReadonlyMap<string, string> = new Map([
  ["envoy.config.filter.network.tcp_proxy.v2.TcpProxy", `${NETWORK}.tcp_proxy.v3.TcpProxy`],
  [
    "envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager",
    `${NETWORK}.http_connection_manager.v3.HttpConnectionManager`,
  ],
  ["envoy.config.filter.http.router.v2.Router", `${HTTP}.router.v3.Router`],
  ["envoy.config.filter.http.cors.v2.Cors", `${HTTP}.cors.v3.Cors`],
  ["envoy.config.filter.http.fault.v2.HTTPFault", `${HTTP}.fault.v3.HTTPFault`],
  ["envoy.config.filter.http.rbac.v2.RBAC", `${HTTP}.rbac.v3.RBAC`],
  ["envoy.config.filter.network.rbac.v2.RBAC", `${NETWORK}.rbac.v3.RBAC`],
  ["envoy.config.accesslog.v2.FileAccessLog", "envoy.extensions.access_loggers.file.v3.FileAccessLog"],
  ["envoy.api.v2.auth.DownstreamTlsContext", "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"],
  ["envoy.api.v2.auth.UpstreamTlsContext", "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"],
]);

/** The present type of a v2 `@type`, or undefined when it is none. */
export function movedType(name: string): string | undefined {
  return MOVED.get(name);
}
