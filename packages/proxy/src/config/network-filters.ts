import type { JsonObject } from "@bufbuild/protobuf";
import { type AccessLogConfig, decodeAccessLogs } from "./access-log.ts";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeDuration } from "./duration-field.ts";
import { decodeFilterState, type FilterStateConfig } from "./filter-state.ts";
import { decodeIstioStats, type IstioStatsConfig } from "./http-filters.ts";
import { decodeHttpManager, type HttpManagerConfig } from "./http-manager.ts";
import {
  type Filter,
  HttpConnectionManagerSchema,
  NetworkSetFilterStateSchema,
  type TcpProxy,
  TcpProxySchema,
} from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Where a TCP connection goes. */
export interface TcpProxyConfig {
  readonly kind: "tcp";
  readonly statPrefix: string;
  readonly clusters: readonly { readonly cluster: string; readonly weight: number }[];
  readonly totalWeight: number;
  /** Without bytes in both directions. Default: 1 h. 0: none. Units: ms. */
  readonly idleTimeoutMs: number;
  readonly maxDurationMs: number;
  readonly maxConnectAttempts: number;
  readonly accessLogs: readonly AccessLogConfig[];
}

/** One network filter of a chain; the last is `http` or `tcp`. */
export type NetworkFilterConfig =
  | HttpManagerConfig
  | TcpProxyConfig
  | { readonly kind: "istio-stats"; readonly stats: IstioStatsConfig }
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
  ],
  { access_log_options: "lines are written when the connection ends" },
);

const NETWORK_FILTERS: AnyTable<NetworkFilterConfig> = {
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
  "stats.PluginConfig": {
    kind: "struct",
    decode: (value: JsonObject): NetworkFilterConfig => ({ kind: "istio-stats", stats: decodeIstioStats(value) }),
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
  else if (last !== undefined && last.kind !== "http" && last.kind !== "tcp" && filters.length === messages.length) {
    scope.item(messages.length - 1).problem("the last network filter must be http_connection_manager or tcp_proxy");
  }
  return filters;
}

function decodeTcpProxy(message: TcpProxy, scope: DecodeScope): TcpProxyConfig {
  checkShape(TCP_PROXY_SHAPE, message, scope);
  const specifier = message.clusterSpecifier;
  let clusters: { cluster: string; weight: number }[] = [];
  if (specifier.case === "cluster") clusters = [{ cluster: specifier.value, weight: 1 }];
  else if (specifier.case === "weightedClusters")
    clusters = specifier.value.clusters.map((c) => ({ cluster: c.name, weight: c.weight }));
  const totalWeight = clusters.reduce((sum, item) => sum + item.weight, 0);
  if (totalWeight === 0)
    scope.problem("a TCP proxy needs cluster, or weighted_clusters whose weights are not all zero");
  return {
    kind: "tcp",
    statPrefix: message.statPrefix,
    clusters,
    totalWeight,
    idleTimeoutMs: decodeDuration(message.idleTimeout, scope.field("idle_timeout")) ?? 3_600_000,
    maxDurationMs:
      decodeDuration(message.maxDownstreamConnectionDuration, scope.field("max_downstream_connection_duration")) ?? 0,
    maxConnectAttempts: Math.max(1, message.maxConnectAttempts ?? 1),
    accessLogs: decodeAccessLogs(message.accessLog, scope.field("access_log")),
  };
}
