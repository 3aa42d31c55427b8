import type { JsonObject } from "@bufbuild/protobuf";
import { ConnectionLimitSchema } from "@heddle/xds-api/envoy/extensions/filters/network/connection_limit/v3/connection_limit";
import { ConfigSchema as DirectResponseSchema } from "@heddle/xds-api/envoy/extensions/filters/network/direct_response/v3/config";
import { LocalRateLimitSchema as NetworkRateLimitSchema } from "@heddle/xds-api/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit";
import { RBACSchema as NetworkRbacSchema } from "@heddle/xds-api/envoy/extensions/filters/network/rbac/v3/rbac";
import { SniClusterSchema } from "@heddle/xds-api/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster";
import { type AccessLogConfig, decodeAccessLogs } from "./access-log.ts";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeDuration } from "./duration-field.ts";
import { decodeFilterState, type FilterStateConfig } from "./filter-state.ts";
import { compileFormat, type Format } from "./format.ts";
import { decodeAdditions, type HeaderAddition } from "./header-mutation.ts";
import { decodeHttpManager, type HttpManagerConfig } from "./http-manager.ts";
import { decodeTcpLogTiming, type LogTiming, TCP_LOG_OPTIONS_SHAPE } from "./log-timing.ts";
import {
  decodeConnectionLimit,
  decodeDirectResponse,
  decodeNetworkRateLimit,
  decodeNetworkRbac,
  type NetworkGateConfig,
} from "./network-gates.ts";
import {
  type Filter,
  HttpConnectionManagerSchema,
  type Metadata,
  NetworkSetFilterStateSchema,
  type TcpProxy,
  type TcpProxy_TunnelingConfig,
  TcpProxy_TunnelingConfigSchema,
  TcpProxySchema,
} from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeIstioStats, type IstioStatsConfig } from "./stats-plugin.ts";
import { type SubsetKey, subsetKeyOf } from "./subset-key.ts";

/** Where a TCP connection goes. */
export interface TcpProxyConfig {
  readonly kind: "tcp";
  readonly statPrefix: string;
  readonly clusters: readonly {
    readonly cluster: string;
    readonly weight: number;
    readonly subset: SubsetKey | undefined;
  }[];
  /** Clients keep their host by their address. */
  readonly hashSourceIp: boolean;
  readonly totalWeight: number;
  /** Without bytes in both directions. Default: 1 h. 0: none. Units: ms. */
  readonly idleTimeoutMs: number;
  readonly maxDurationMs: number;
  readonly maxConnectAttempts: number;
  readonly accessLogs: readonly AccessLogConfig[];
  readonly logTiming: LogTiming;
  /** Undefined: the upstream is reached directly. */
  readonly tunnel: TunnelConfig | undefined;
}

/** TCP travels in the body of an HTTP request. */
export interface TunnelConfig {
  /** `host:port` that the far end is to connect to. */
  readonly hostname: Format;
  readonly usePost: boolean;
  readonly postPath: string;
  readonly headers: readonly HeaderAddition[];
}

/** One network filter of a chain; the last is `http` or `tcp`. */
export type NetworkFilterConfig =
  | HttpManagerConfig
  | TcpProxyConfig
  | { readonly kind: "istio-stats"; readonly stats: IstioStatsConfig }
  | NetworkGateConfig
  /** The TCP proxy's cluster is named by the client's SNI. */
  | { readonly kind: "sni-cluster" }
  | { readonly kind: "set-filter-state"; readonly values: readonly FilterStateConfig[] }
  | { readonly kind: "inert"; readonly name: string };

export const TCP_PROXY_SHAPE = shape(
  TcpProxySchema,
  [
    "stat_prefix",
    "cluster",
    "weighted_clusters",
    "idle_timeout",
    "max_downstream_connection_duration",
    "max_connect_attempts",
    "access_log",
    "metadata_match",
    "hash_policy",
    "tunneling_config",
    "access_log_options",
    "access_log_flush_interval",
    "flush_access_log_on_connected",
  ],
  {},
  {
    "downstream_idle_timeout upstream_idle_timeout":
      "Envoy does not implement them either; use idle_timeout, which looks at both sides",
    on_demand: "clusters are not asked for on demand",
  },
  { inside: { access_log_options: TCP_LOG_OPTIONS_SHAPE } },
);

export const TUNNELING_SHAPE = shape(
  TcpProxy_TunnelingConfigSchema,
  ["hostname", "use_post", "post_path", "headers_to_add"],
  {},
  {},
  {
    only: {
      "propagate_response_headers propagate_response_trailers": {
        values: ["false"],
        reason: "the far end's headers are not kept for access logs",
      },
    },
  },
);

export const NETWORK_FILTERS: AnyTable<NetworkFilterConfig> = {
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager": messageEntry(
    HttpConnectionManagerSchema,
    decodeHttpManager,
  ),
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": messageEntry(TcpProxySchema, decodeTcpProxy),
  "envoy.extensions.filters.network.set_filter_state.v3.Config": messageEntry(
    NetworkSetFilterStateSchema,
    (message, scope): NetworkFilterConfig => ({
      kind: "set-filter-state",
      values: decodeFilterState(message.onNewConnection, scope.field("on_new_connection")),
    }),
  ),
  [ConnectionLimitSchema.typeName]: messageEntry(ConnectionLimitSchema, decodeConnectionLimit),
  [NetworkRbacSchema.typeName]: messageEntry(NetworkRbacSchema, decodeNetworkRbac),
  [NetworkRateLimitSchema.typeName]: messageEntry(NetworkRateLimitSchema, decodeNetworkRateLimit),
  [DirectResponseSchema.typeName]: messageEntry(DirectResponseSchema, decodeDirectResponse),
  [SniClusterSchema.typeName]: messageEntry(SniClusterSchema, () => ({ kind: "sni-cluster" })),
  "stats.PluginConfig": {
    kind: "struct",
    decode: (value: JsonObject, scope: DecodeScope): NetworkFilterConfig => ({
      kind: "istio-stats",
      stats: decodeIstioStats(value, scope),
    }),
  },
  // Peers of TCP connections are learnt from certificates and endpoint metadata.
  "envoy.tcp.metadataexchange.config.MetadataExchange": {
    kind: "struct",
    decode: (): NetworkFilterConfig => ({ kind: "inert", name: "metadata_exchange" }),
  },
};

export function decodeNetworkFilters(messages: readonly Filter[], scope: DecodeScope): readonly NetworkFilterConfig[] {
  const filters: NetworkFilterConfig[] = [];
  messages.forEach((message, i) => {
    const at = scope.item(i);
    if (message.configType.case === "configDiscovery") {
      at.field("config_discovery").problem("filter configuration over ECDS is not implemented; send typed_config");
      return;
    }
    const filter = decodeAny(message.configType.value, NETWORK_FILTERS, at.field("typed_config"));
    if (filter !== undefined) filters.push(filter);
  });
  const last = filters[filters.length - 1];
  if (messages.length === 0)
    scope.problem("a filter chain needs a last filter that uses the connection: http_connection_manager or tcp_proxy");
  else if (last !== undefined && !isTerminal(last) && filters.length === messages.length) {
    scope.item(messages.length - 1).problem("the last network filter must be http_connection_manager or tcp_proxy");
  }
  return filters;
}

function isTerminal(filter: NetworkFilterConfig): boolean {
  return filter.kind === "http" || filter.kind === "tcp" || filter.kind === "direct-response";
}

/** Whether a filter only lets connections in or not. */
export function isGate(filter: NetworkFilterConfig): filter is NetworkGateConfig {
  return (
    filter.kind === "connection-limit" ||
    filter.kind === "network-rbac" ||
    filter.kind === "network-rate-limit" ||
    filter.kind === "direct-response"
  );
}

/** Network filters that the proxy has; for the reference. */
export const NETWORK_FILTER_TYPES: readonly string[] = Object.keys(NETWORK_FILTERS);

function decodeTcpProxy(message: TcpProxy, scope: DecodeScope): TcpProxyConfig {
  checkShape(TCP_PROXY_SHAPE, message, scope);
  const specifier = message.clusterSpecifier;
  const labels = (metadata: Metadata | undefined) => metadata?.filterMetadata["envoy.lb"];
  const own = labels(message.metadataMatch);
  let clusters: TcpProxyConfig["clusters"] = [];
  if (specifier.case === "cluster") clusters = [{ cluster: specifier.value, weight: 1, subset: subsetKeyOf(own) }];
  else if (specifier.case === "weightedClusters") {
    clusters = specifier.value.clusters.map((c) => ({
      cluster: c.name,
      weight: c.weight,
      subset: subsetKeyOf({ ...own, ...labels(c.metadataMatch) }),
    }));
  }
  message.hashPolicy.forEach((policy, i) => {
    if (policy.policySpecifier.case !== "sourceIp")
      scope.field("hash_policy").item(i).problem("only source_ip is implemented");
  });
  const totalWeight = clusters.reduce((sum, item) => sum + item.weight, 0);
  if (totalWeight === 0)
    scope.problem("a TCP proxy needs cluster, or weighted_clusters whose weights are not all zero");
  return {
    kind: "tcp",
    statPrefix: message.statPrefix,
    clusters,
    totalWeight,
    hashSourceIp: message.hashPolicy.length > 0,
    idleTimeoutMs: decodeDuration(message.idleTimeout, scope.field("idle_timeout")) ?? 3_600_000,
    maxDurationMs:
      decodeDuration(message.maxDownstreamConnectionDuration, scope.field("max_downstream_connection_duration")) ?? 0,
    maxConnectAttempts: Math.max(1, message.maxConnectAttempts ?? 1),
    accessLogs: decodeAccessLogs(message.accessLog, scope.field("access_log")),
    logTiming: decodeTcpLogTiming(message, scope),
    tunnel: decodeTunnel(message.tunnelingConfig, scope.field("tunneling_config")),
  };
}

/** Errors: no host name, a path without POST. */
function decodeTunnel(message: TcpProxy_TunnelingConfig | undefined, scope: DecodeScope): TunnelConfig | undefined {
  if (message === undefined) return undefined;
  checkShape(TUNNELING_SHAPE, message, scope);
  if (message.hostname === "")
    scope.field("hostname").problem("a tunnel needs the host:port that its far end connects to");
  if (message.postPath !== "" && !message.usePost) scope.field("post_path").problem("a path needs use_post");
  return {
    hostname: compileFormat(message.hostname, scope.field("hostname")),
    usePost: message.usePost,
    postPath: message.postPath === "" ? "/" : message.postPath,
    headers: decodeAdditions(message.headersToAdd, scope.field("headers_to_add")),
  };
}
