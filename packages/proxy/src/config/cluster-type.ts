import type { Cluster_RefreshRate } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { DnsLookupFamily } from "@heddle/xds-api/envoy/extensions/clusters/common/dns/v3/dns";
import {
  type DnsCluster,
  type DnsCluster_RefreshRate,
  DnsClusterSchema,
} from "@heddle/xds-api/envoy/extensions/clusters/dns/v3/dns_cluster";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { checkDnsResolver } from "./dns-resolver.ts";
import { decodeDuration } from "./duration-field.ts";
import { type Cluster, Cluster_DiscoveryType, Cluster_DnsLookupFamily } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** How soon a name is asked for again that did not resolve: twice as long each time. Units: ms. */
export interface DnsFailureConfig {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** How names are asked for. */
export interface DnsSettings {
  /** Default: 5 s. Units: ms. */
  readonly refreshMs: number;
  /** After a failure; undefined: as after an answer. */
  readonly failure: DnsFailureConfig | undefined;
  readonly family: "v4" | "v6" | "any";
}

export interface ClusterType {
  readonly type: Cluster_DiscoveryType;
  readonly dns: DnsSettings;
}

export const DNS_CLUSTER_SHAPE = shape(
  DnsClusterSchema,
  [
    "dns_refresh_rate",
    "dns_failure_refresh_rate",
    "typed_dns_resolver_config",
    "dns_lookup_family",
    "all_addresses_in_single_endpoint",
  ],
  {},
  { dns_jitter: "names are asked for at fixed intervals" },
  {
    differs: {
      respect_dns_ttl:
        "the system's resolver tells no TTL: names are asked for every dns_refresh_rate, which may be sooner",
    },
  },
);

/** Kinds of clusters by the names that Envoy gives them, beside the enumeration of `type`. */
const NAMED: ReadonlyMap<string, Cluster_DiscoveryType> = new Map([
  ["envoy.cluster.static", Cluster_DiscoveryType.STATIC],
  ["envoy.cluster.strict_dns", Cluster_DiscoveryType.STRICT_DNS],
  ["envoy.cluster.logical_dns", Cluster_DiscoveryType.LOGICAL_DNS],
  ["envoy.cluster.eds", Cluster_DiscoveryType.EDS],
  ["envoy.cluster.original_dst", Cluster_DiscoveryType.ORIGINAL_DST],
]);

export const TYPED_CLUSTERS: AnyTable<DnsCluster> = {
  [DnsClusterSchema.typeName]: messageEntry(DnsClusterSchema, (message) => message),
};

/** Configurations of `cluster_type`; for the reference. */
export const CLUSTER_TYPES: readonly string[] = Object.keys(TYPED_CLUSTERS);

/** Where a cluster's hosts come from. Errors: kinds that the proxy does not have. */
export function decodeClusterType(message: Cluster, scope: DecodeScope): ClusterType | undefined {
  const { case: kind, value } = message.clusterDiscoveryType;
  if (kind !== "clusterType") {
    const dns = ownDns(message, scope);
    return { type: value ?? Cluster_DiscoveryType.STATIC, dns };
  }
  const at = scope.field("cluster_type");
  const named = NAMED.get(value.name);
  if (value.typedConfig === undefined || value.typedConfig.typeUrl === "") {
    if (named !== undefined) return { type: named, dns: ownDns(message, scope) };
    at.problem(
      `there is no cluster type ${value.name} without typed_config; there are ${[...NAMED.keys()].join(", ")}, and ${DnsClusterSchema.typeName}`,
    );
    return undefined;
  }
  const typed = decodeAny(value.typedConfig, TYPED_CLUSTERS, at.field("typed_config"));
  if (typed === undefined) return undefined;
  const inside = at.field("typed_config");
  checkShape(DNS_CLUSTER_SHAPE, typed, inside);
  checkDnsResolver(typed.typedDnsResolverConfig, inside.field("typed_dns_resolver_config"));
  const { dnsLookupFamily: family } = typed;
  return {
    type:
      named ??
      (typed.allAddressesInSingleEndpoint ? Cluster_DiscoveryType.LOGICAL_DNS : Cluster_DiscoveryType.STRICT_DNS),
    dns: {
      refreshMs: decodeDuration(typed.dnsRefreshRate, inside.field("dns_refresh_rate")) ?? REFRESH_MS,
      failure: decodeFailure(typed.dnsFailureRefreshRate, inside.field("dns_failure_refresh_rate")),
      family: family === DnsLookupFamily.V4_ONLY ? "v4" : family === DnsLookupFamily.V6_ONLY ? "v6" : "any",
    },
  };
}

/** Units: ms. */
const REFRESH_MS = 5000;

function ownDns(message: Cluster, scope: DecodeScope): DnsSettings {
  const { dnsLookupFamily: family } = message;
  return {
    refreshMs: decodeDuration(message.dnsRefreshRate, scope.field("dns_refresh_rate")) ?? REFRESH_MS,
    failure: decodeFailure(message.dnsFailureRefreshRate, scope.field("dns_failure_refresh_rate")),
    family:
      family === Cluster_DnsLookupFamily.V4_ONLY ? "v4" : family === Cluster_DnsLookupFamily.V6_ONLY ? "v6" : "any",
  };
}

/** Errors: a longest time below the shortest. */
function decodeFailure(
  rate: Cluster_RefreshRate | DnsCluster_RefreshRate | undefined,
  scope: DecodeScope,
): DnsFailureConfig | undefined {
  if (rate === undefined) return undefined;
  const baseMs = decodeDuration(rate.baseInterval, scope.field("base_interval")) ?? 0;
  if (baseMs <= 0) scope.field("base_interval").problem("must be greater than 0");
  const maxMs = decodeDuration(rate.maxInterval, scope.field("max_interval")) ?? baseMs * 10;
  if (maxMs < baseMs) scope.field("max_interval").problem("must not be below base_interval");
  return { baseMs, maxMs };
}
