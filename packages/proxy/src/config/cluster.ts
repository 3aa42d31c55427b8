import type { JsonObject } from "@bufbuild/protobuf";
import {
  Cluster_LeastRequestLbConfigSchema,
  Cluster_OriginalDstLbConfigSchema,
  UpstreamConnectionOptionsSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ProxyProtocolUpstreamTransportSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { BIND_CONFIG_SHAPE, decodeSources } from "./bind-config.ts";
import { type CircuitLimits, checkCircuitBreakers, decodeLimits } from "./circuit-breakers.ts";
import { type DnsFailureConfig, decodeClusterType } from "./cluster-type.ts";
import { type ConfigOrigin, decodeConfigOrigin } from "./config-origin.ts";
import { checkDnsResolver } from "./dns-resolver.ts";
import { decodeDuration } from "./duration-field.ts";
import { decodeLoadAssignment, type LoadAssignmentConfig } from "./endpoints.ts";
import { decodeHappyEyeballs, type HappyEyeballsConfig } from "./happy-eyeballs.ts";
import { decodeHealthChecks, type HealthCheckConfig } from "./health-check.ts";
import { decodeLoadBalancing, type LoadBalancingConfig } from "./load-balancing.ts";
import { decodeOutlier, type OutlierConfig } from "./outlier-detection.ts";
import { decodePreconnect, type PreconnectConfig } from "./preconnect.ts";
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
  RawBufferSchema,
  RoutingPriority,
  UpstreamTlsContextSchema,
} from "./proto.ts";
import { PROXY_HEADER_SHAPE } from "./proxy-header.ts";
import { type ForeignMetadata, foreignMetadata, type ResourceSource, sourceOf } from "./resource-source.ts";
import type { DecodeScope } from "./scope.ts";
import { decodeSessionHosts, type SessionHosts } from "./session-hosts.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeSubsets, type SubsetConfig } from "./subsets.ts";
import { decodeUpstreamTls, type UpstreamTlsConfig } from "./tls-context.ts";
import { decodeUpstreamHttp, type UpstreamHttpConfig } from "./upstream-http.ts";

/** How a cluster learns its endpoints. */
export type ClusterDiscovery =
  | { readonly kind: "static"; readonly assignment: LoadAssignmentConfig }
  | { readonly kind: "strict-dns"; readonly assignment: LoadAssignmentConfig }
  | { readonly kind: "logical-dns"; readonly assignment: LoadAssignmentConfig }
  | { readonly kind: "eds"; readonly serviceName: string; readonly from: ConfigOrigin }
  | {
      readonly kind: "original-dst";
      readonly portOverride: number | undefined;
      /** The request header that says where to go; "": only the connection does. */
      readonly header: string;
    };

/** How to reach an endpoint whose labels match. */
export interface TransportMatchConfig {
  readonly name: string;
  readonly labels: JsonObject;
  /** Undefined: plain text. */
  readonly tls: UpstreamTlsConfig | undefined;
}

export interface KeepAliveConfig {
  readonly probes: number;
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
}

export interface ClusterConfig {
  readonly name: string;
  readonly statName: string;
  readonly discovery: ClusterDiscovery;
  readonly loadBalancing: LoadBalancingConfig;
  readonly subsets: SubsetConfig | undefined;
  readonly outlier: OutlierConfig | undefined;
  readonly healthChecks: readonly HealthCheckConfig[];
  /** Undefined: those that work. */
  readonly sessionHosts?: SessionHosts;
  readonly closeUnhealthy: boolean;
  /** A host that discovery leaves out stays while its health checks pass, unless this is set. */
  readonly ignoreHealthOnRemoval: boolean;
  /** PROXY header before each connection. */
  readonly proxyProtocol: "v1" | "v2" | undefined;
  /** Default: 5 s. Units: ms. */
  readonly connectTimeoutMs: number;
  readonly transportMatches: readonly TransportMatchConfig[];
  readonly tls: UpstreamTlsConfig | undefined;
  readonly http: UpstreamHttpConfig;
  readonly limits: CircuitLimits;
  readonly highLimits: CircuitLimits;
  /** Where connections come from, at most one for each family. */
  readonly sourceIps: readonly string[];
  readonly keepAlive: KeepAliveConfig | undefined;
  readonly happyEyeballs: HappyEyeballsConfig;
  /** Units: ms. Default: 5 s. */
  readonly dnsRefreshMs: number;
  /** After a failure; undefined: as after an answer. */
  readonly dnsFailure: DnsFailureConfig | undefined;
  readonly dnsFamily: "v4" | "v6" | "any";
  /** Share of healthy hosts under which health is ignored. Default: 50. Units: %. */
  readonly panicPercent: number;
  readonly preconnect: PreconnectConfig;
  /** Host names of services behind the cluster, for metrics. */
  readonly services: readonly { readonly host: string; readonly name: string; readonly namespace: string }[];
  /** By filter name, without what the control plane writes for itself; undefined: none. For tags of spans. */
  readonly metadata: ForeignMetadata;
  readonly source: ResourceSource;
}

export const PROXY_PROTOCOL_SHAPE = shape(
  ProxyProtocolUpstreamTransportSchema,
  ["config", "transport_socket"],
  {},
  {},
  { inside: { config: PROXY_HEADER_SHAPE } },
);

export const ORIGINAL_DST_SHAPE = shape(
  Cluster_OriginalDstLbConfigSchema,
  ["upstream_port_override", "use_http_header", "http_header_name"],
  {},
  { metadata_key: "use use_http_header; filters can write the header" },
);

export const UPSTREAM_CONNECTION_SHAPE = shape(
  UpstreamConnectionOptionsSchema,
  ["tcp_keepalive", "happy_eyeballs_config"],
  {},
  { set_local_interface_name_on_upstream_connections: "nothing reads the interface's name" },
);
export const LEAST_REQUEST_SHAPE = shape(Cluster_LeastRequestLbConfigSchema, [
  "choice_count",
  "active_request_bias",
  "slow_start_config",
]);

export const CLUSTER_SHAPE = shape(
  ClusterSchema,
  [
    "name",
    "alt_stat_name",
    "type",
    "cluster_type",
    "eds_cluster_config",
    "connect_timeout",
    "lb_policy",
    "load_assignment",
    "circuit_breakers",
    "max_requests_per_connection",
    "common_http_protocol_options",
    "http2_protocol_options",
    "http_protocol_options",
    "protocol_selection",
    "typed_extension_protocol_options",
    "dns_refresh_rate",
    "dns_lookup_family",
    "upstream_bind_config",
    "original_dst_lb_config",
    "least_request_lb_config",
    "common_lb_config",
    "transport_socket",
    "transport_socket_matches",
    "metadata",
    "upstream_connection_options",
    "ring_hash_lb_config",
    "maglev_lb_config",
    "round_robin_lb_config",
    "load_balancing_policy",
    "lb_subset_config",
    "health_checks",
    "outlier_detection",
    "close_connections_on_host_health_failure",
    "ignore_health_on_host_removal",
    "preconnect_policy",
    "dns_failure_refresh_rate",
    "typed_dns_resolver_config",
    "filters",
  ],
  {
    per_connection_buffer_limit_bytes: "how much memory Envoy gives to a connection's buffers",
    cleanup_interval: "when Envoy gives back the memory of original destinations that nobody uses",
  },
  {
    "dns_resolvers use_tcp_for_dns_lookups dns_resolution_config": "names are resolved by the system",
    "lrs_server lrs_report_endpoint_metrics": "load is not reported; statistics are pulled",
    upstream_config: "there is one HTTP upstream",
    connection_pool_per_downstream_connection: "connections are shared by all clients",
    upstream_http_protocol_options: "use typed_extension_protocol_options",
  },
  {
    only: {
      track_timeout_budgets: { values: ["false"], reason: "timeout budgets are not counted" },
      track_cluster_stats: { values: ["{}"], reason: "sizes, timeout budgets and endpoints are not counted apart" },
    },
    inside: {
      upstream_bind_config: BIND_CONFIG_SHAPE,
      upstream_connection_options: UPSTREAM_CONNECTION_SHAPE,
      least_request_lb_config: LEAST_REQUEST_SHAPE,
    },
    differs: {
      respect_dns_ttl:
        "the system's resolver tells no TTL: names are asked for every dns_refresh_rate, which may be sooner",
      wait_for_warm_on_init: "the ports open at once; requests to a cluster that is not warm wait for it or get 503",
    },
  },
);

interface UpstreamTransport {
  readonly tls: UpstreamTlsConfig | undefined;
  readonly proxyProtocol?: "v1" | "v2";
}

export const UPSTREAM_TRANSPORTS: AnyTable<UpstreamTransport> = {
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext": messageEntry(
    UpstreamTlsContextSchema,
    (message, scope) => ({
      tls: decodeUpstreamTls(message, scope),
    }),
  ),
  "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer": messageEntry(RawBufferSchema, () => ({
    tls: undefined,
  })),
  [ProxyProtocolUpstreamTransportSchema.typeName]: messageEntry(
    ProxyProtocolUpstreamTransportSchema,
    (message, scope) => {
      checkShape(PROXY_PROTOCOL_SHAPE, message, scope);
      const at = scope.field("transport_socket.typed_config");
      const inner = decodeAny(message.transportSocket?.configType.value, UPSTREAM_TRANSPORTS, at);
      return { tls: inner?.tls, proxyProtocol: message.config?.version === 1 ? "v2" : "v1" };
    },
  ),
};

/** Transport sockets of clusters; for the reference. */
export const UPSTREAM_TRANSPORT_TYPES: readonly string[] = Object.keys(UPSTREAM_TRANSPORTS);

export function decodeCluster(message: Cluster, scope: DecodeScope): ClusterConfig | undefined {
  checkShape(CLUSTER_SHAPE, message, scope);
  if (message.name === "") scope.field("name").problem("a cluster needs a name");
  const found = decodeClusterType(message, scope);
  const discovery = found && decodeDiscovery(message, found.type, scope);
  const loadBalancing = decodeLoadBalancing(message, scope);
  checkUpstreamFilters(message, scope.field("filters"));
  checkDnsResolver(message.typedDnsResolverConfig, scope.field("typed_dns_resolver_config"));
  checkCircuitBreakers(message.circuitBreakers, scope.field("circuit_breakers"));
  const socket = message.transportSocket;
  const transport =
    socket === undefined
      ? undefined
      : decodeAny(socket.configType.value, UPSTREAM_TRANSPORTS, scope.field("transport_socket.typed_config"));
  const introductions = new Set<ClusterConfig["proxyProtocol"]>();
  const matchesAt = scope.field("transport_socket_matches");
  const transportMatches = message.transportSocketMatches.map((match, i): TransportMatchConfig => {
    const at = matchesAt.item(i).field("transport_socket.typed_config");
    const transport = decodeAny(match.transportSocket?.configType.value, UPSTREAM_TRANSPORTS, at);
    introductions.add(transport?.proxyProtocol);
    return { name: match.name, labels: match.match ?? {}, tls: transport?.tls };
  });
  // Behind a match that takes every host, no host has the cluster's own socket: Istio leaves it out then.
  const own = socket !== undefined || transportMatches.every(({ labels }) => Object.keys(labels).length > 0);
  if (own) introductions.add(transport?.proxyProtocol);
  if (introductions.size > 1)
    matchesAt.problem(
      "refused: a cluster introduces clients to all of its hosts or to none; give transport_socket and every match the same PROXY protocol",
    );
  const http = decodeUpstreamHttp(message, scope);
  const keepAlive = message.upstreamConnectionOptions?.tcpKeepalive;
  if (found === undefined || discovery === undefined || loadBalancing === undefined) return undefined;
  return {
    name: message.name,
    statName: message.altStatName === "" ? message.name : message.altStatName,
    discovery,
    loadBalancing,
    subsets: decodeSubsets(message.lbSubsetConfig, scope.field("lb_subset_config")),
    outlier: decodeOutlier(message.outlierDetection, scope.field("outlier_detection")),
    healthChecks: decodeHealthChecks(message.healthChecks, scope.field("health_checks")),
    closeUnhealthy: message.closeConnectionsOnHostHealthFailure,
    ignoreHealthOnRemoval: message.ignoreHealthOnHostRemoval,
    proxyProtocol: [...introductions][0],
    connectTimeoutMs: decodeDuration(message.connectTimeout, scope.field("connect_timeout")) ?? 5000,
    transportMatches,
    tls: transport?.tls,
    http,
    limits: decodeLimits(message.circuitBreakers, RoutingPriority.DEFAULT),
    highLimits: decodeLimits(message.circuitBreakers, RoutingPriority.HIGH),
    sourceIps: decodeSources(message.upstreamBindConfig, scope.field("upstream_bind_config")),
    keepAlive:
      keepAlive === undefined
        ? undefined
        : {
            probes: keepAlive.keepaliveProbes ?? 9,
            idleSeconds: keepAlive.keepaliveTime ?? 7200,
            intervalSeconds: keepAlive.keepaliveInterval ?? 75,
          },
    happyEyeballs: decodeHappyEyeballs(
      message.upstreamConnectionOptions?.happyEyeballsConfig,
      scope.field("upstream_connection_options.happy_eyeballs_config"),
    ),
    dnsRefreshMs: found.dns.refreshMs,
    dnsFailure: found.dns.failure,
    dnsFamily: found.dns.family,
    sessionHosts: decodeSessionHosts(message, scope),
    panicPercent: message.commonLbConfig?.healthyPanicThreshold?.value ?? 50,
    preconnect: decodePreconnect(message.preconnectPolicy, scope.field("preconnect_policy")),
    services: decodeServices(message.metadata?.filterMetadata["istio"]),
    metadata: foreignMetadata(message.metadata),
    source: sourceOf(message.metadata),
  };
}

/** Network filters towards servers, by their types. */
const UPSTREAM_FILTERS: AnyTable<true> = {
  // Peers of TCP connections are learnt from certificates and endpoint metadata.
  "envoy.tcp.metadataexchange.config.MetadataExchange": { kind: "struct", decode: () => true },
};

/** Errors: every filter that would do something. */
function checkUpstreamFilters(message: Cluster, scope: DecodeScope): void {
  message.filters.forEach((filter, i) => {
    const at = scope.item(i);
    if (filter.configDiscovery !== undefined)
      at.field("config_discovery").problem("filter configuration over ECDS is not implemented; send typed_config");
    else decodeAny(filter.typedConfig, UPSTREAM_FILTERS, at.field("typed_config"));
  });
}

const DST_HEADER = "x-envoy-original-dst-host";

function decodeDiscovery(message: Cluster, type: Cluster_DiscoveryType, scope: DecodeScope): ClusterDiscovery {
  const assignment = () =>
    message.loadAssignment === undefined
      ? { cluster: message.name, localities: [], overprovisioning: 140 }
      : decodeLoadAssignment(message.loadAssignment, scope.field("load_assignment"));
  switch (type) {
    case Cluster_DiscoveryType.STATIC: {
      const decoded = assignment();
      for (const [i, locality] of decoded.localities.entries()) {
        locality.endpoints.forEach((endpoint, j) => {
          if (endpoint.address.kind === "tcp" && !endpoint.address.numeric) {
            const at = scope.field("load_assignment.endpoints").item(i).field("lb_endpoints").item(j);
            at.problem(
              `"${endpoint.address.address.ip}" is a name; a STATIC cluster needs numeric addresses, or type STRICT_DNS`,
            );
          }
        });
      }
      return { kind: "static", assignment: decoded };
    }
    case Cluster_DiscoveryType.STRICT_DNS:
    case Cluster_DiscoveryType.LOGICAL_DNS: {
      const decoded = assignment();
      for (const [i, locality] of decoded.localities.entries())
        for (const [j, { others }] of locality.endpoints.entries())
          if (others.length > 0)
            scope
              .field("load_assignment.endpoints")
              .item(i)
              .field("lb_endpoints")
              .item(j)
              .field("endpoint.additional_addresses")
              .problem("refused: names say which addresses there are; give them to a STATIC or EDS cluster");
      return { kind: type === Cluster_DiscoveryType.STRICT_DNS ? "strict-dns" : "logical-dns", assignment: decoded };
    }
    case Cluster_DiscoveryType.EDS: {
      const name = message.edsClusterConfig?.serviceName ?? "";
      const from = decodeConfigOrigin(
        message.edsClusterConfig?.edsConfig,
        scope.field("eds_cluster_config.eds_config"),
      );
      return { kind: "eds", serviceName: name === "" ? message.name : name, from: from ?? { kind: "ads" } };
    }
    case Cluster_DiscoveryType.ORIGINAL_DST: {
      const config = message.lbConfig.case === "originalDstLbConfig" ? message.lbConfig.value : undefined;
      if (config !== undefined) checkShape(ORIGINAL_DST_SHAPE, config, scope.field("original_dst_lb_config"));
      return {
        kind: "original-dst",
        portOverride: config?.upstreamPortOverride,
        header: config?.useHttpHeader === true ? config.httpHeaderName.toLowerCase() || DST_HEADER : "",
      };
    }
  }
}

function decodeServices(metadata: JsonObject | undefined): ClusterConfig["services"] {
  const list = metadata?.["services"];
  if (!Array.isArray(list)) return [];
  return list.map((item) => {
    const fields = typeof item === "object" && item !== null && !Array.isArray(item) ? item : {};
    const text = (key: string) => {
      const value = fields[key];
      return typeof value === "string" ? value : "";
    };
    return { host: text("host"), name: text("name"), namespace: text("namespace") };
  });
}
