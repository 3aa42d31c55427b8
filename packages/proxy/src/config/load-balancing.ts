import type { DescMessage, JsonObject, MessageShape } from "@bufbuild/protobuf";
import {
  type Cluster,
  type Cluster_CommonLbConfig,
  Cluster_CommonLbConfigSchema,
  Cluster_LbPolicy,
  Cluster_RingHashLbConfig_HashFunction,
  type Cluster_SlowStartConfig,
  type LoadBalancingPolicy,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import type {
  LocalityLbConfig,
  SlowStartConfig as PolicySlowStart,
} from "@heddle/xds-api/envoy/extensions/load_balancing_policies/common/v3/common";
import {
  LeastRequest_SelectionMethod,
  LeastRequestSchema,
} from "@heddle/xds-api/envoy/extensions/load_balancing_policies/least_request/v3/least_request";
import { MaglevSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/maglev/v3/maglev";
import { PickFirstSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/pick_first/v3/pick_first";
import { RandomSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/random/v3/random";
import { RingHashSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash";
import { RoundRobinSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin";
import { WrrLocalitySchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality";
import type { RuntimeNumber } from "../runtime/runtime.ts";
import { type AnyTable, decodeAny, heldType, messageEntry } from "./any-field.ts";
import { decodeDuration } from "./duration-field.ts";
import { runtimeNumber } from "./fraction.ts";
import {
  LEAST_REQUEST_POLICY_SHAPE,
  MAGLEV_POLICY_SHAPE,
  PICK_FIRST_POLICY_SHAPE,
  RANDOM_POLICY_SHAPE,
  RING_HASH_POLICY_SHAPE,
  ROUND_ROBIN_POLICY_SHAPE,
  WRR_LOCALITY_POLICY_SHAPE,
} from "./lb-policy-shapes.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, type Shape, shape } from "./shape.ts";
import { decodeZoneAware, ZONE_AWARE_SHAPE, type ZoneAwareConfig } from "./zone-aware.ts";

/** New hosts get their share gradually. */
export interface SlowStartConfig {
  /** Units: ms. */
  readonly windowMs: number;
  readonly aggression: RuntimeNumber;
  /** 0…1. */
  readonly minWeight: number;
}

/** How a host is chosen among equals. */
export type BalancerConfig =
  | { readonly kind: "round-robin"; readonly slowStart: SlowStartConfig | undefined }
  | {
      readonly kind: "least-request";
      readonly choices: number;
      /** How much requests under way count where hosts differ in weight: weight ÷ (requests + 1) to the power of this. */
      readonly bias: RuntimeNumber;
      readonly slowStart: SlowStartConfig | undefined;
    }
  | { readonly kind: "random" }
  | { readonly kind: "pick-first" }
  /** Power of two choices by smoothed latency and requests under way. */
  | { readonly kind: "peak-ewma"; readonly decayMs: number }
  | { readonly kind: "ring-hash"; readonly minSize: number; readonly maxSize: number; readonly hash: HashOptions }
  | { readonly kind: "maglev"; readonly tableSize: number; readonly hash: HashOptions };

export interface HashOptions {
  readonly useHostname: boolean;
  /** A host may have this share of the average load; 0: any. Units: %. */
  readonly balanceFactor: number;
}

export interface LoadBalancingConfig {
  readonly balancer: BalancerConfig;
  /** Localities get shares by their weights. */
  readonly localityWeighted: boolean;
  /** Undefined: the balancer knows no zones. */
  readonly zones?: ZoneAwareConfig;
}

export const COMMON_LB_SHAPE = shape(
  Cluster_CommonLbConfigSchema,
  [
    "healthy_panic_threshold",
    "locality_weighted_lb_config",
    "zone_aware_lb_config",
    "consistent_hashing_lb_config",
    "override_host_status",
  ],
  {
    update_merge_window: "how long Envoy may put updates together to save itself work; every update is applied at once",
  },
  {},
  {
    only: {
      close_connections_on_host_set_change: {
        values: ["false"],
        reason: "connections of hosts that leave drain; the others stay",
      },
      ignore_new_hosts_until_first_hc: {
        values: ["false"],
        reason: "a new host counts as failed until its first check passes",
      },
    },
    inside: { zone_aware_lb_config: ZONE_AWARE_SHAPE },
  },
);

const DEFAULT_TABLE = 65_537;
/** Source: Envoy's limits. */
const LARGEST_TABLE = 5_000_011;
const LARGEST_RING = 8_388_608;
const DECAY_MS = 10_000;

/** An entry that reports what of its message is refused. */
function policy<D extends DescMessage>(
  schema: D,
  of: Shape,
  decode: (message: MessageShape<D>, scope: DecodeScope) => LoadBalancingConfig | undefined,
) {
  return messageEntry<D, LoadBalancingConfig>(schema, (message, scope) => {
    checkShape(of, message, scope);
    return decode(message, scope);
  });
}

export const LB_CONFIGS: AnyTable<LoadBalancingConfig> = {
  [RoundRobinSchema.typeName]: policy(RoundRobinSchema, ROUND_ROBIN_POLICY_SHAPE, (m, scope) => ({
    balancer: { kind: "round-robin", slowStart: slowStart(m.slowStartConfig, scope.field("slow_start_config")) },
    ...localities(m.localityLbConfig),
  })),
  [LeastRequestSchema.typeName]: policy(LeastRequestSchema, LEAST_REQUEST_POLICY_SHAPE, (m, scope) => ({
    balancer: {
      kind: "least-request",
      choices:
        (m.enableFullScan ?? false) || m.selectionMethod === LeastRequest_SelectionMethod.FULL_SCAN
          ? Number.POSITIVE_INFINITY
          : choiceCount(m.choiceCount, scope),
      bias: runtimeNumber(m.activeRequestBias, 1),
      slowStart: slowStart(m.slowStartConfig, scope.field("slow_start_config")),
    },
    ...localities(m.localityLbConfig),
  })),
  [RandomSchema.typeName]: policy(RandomSchema, RANDOM_POLICY_SHAPE, (m) => ({
    balancer: { kind: "random" },
    ...localities(m.localityLbConfig),
  })),
  [PickFirstSchema.typeName]: policy(PickFirstSchema, PICK_FIRST_POLICY_SHAPE, () => ({
    balancer: { kind: "pick-first" },
    localityWeighted: false,
  })),
  [RingHashSchema.typeName]: policy(RingHashSchema, RING_HASH_POLICY_SHAPE, (m, scope) => {
    if (m.hashFunction === 2) scope.field("hash_function").problem("only XX_HASH is implemented");
    return {
      balancer: {
        kind: "ring-hash",
        ...ringSizes(m, scope),
        hash: {
          useHostname: m.consistentHashingLbConfig?.useHostnameForHashing ?? m.useHostnameForHashing,
          balanceFactor: m.consistentHashingLbConfig?.hashBalanceFactor ?? m.hashBalanceFactor ?? 0,
        },
      },
      localityWeighted: m.localityWeightedLbConfig !== undefined,
    };
  }),
  [MaglevSchema.typeName]: policy(MaglevSchema, MAGLEV_POLICY_SHAPE, (m, scope) => ({
    balancer: {
      kind: "maglev",
      tableSize: tableSize(m, scope),
      hash: {
        useHostname: m.consistentHashingLbConfig?.useHostnameForHashing ?? false,
        balanceFactor: m.consistentHashingLbConfig?.hashBalanceFactor ?? 0,
      },
    },
    localityWeighted: m.localityWeightedLbConfig !== undefined,
  })),
  [WrrLocalitySchema.typeName]: policy(WrrLocalitySchema, WRR_LOCALITY_POLICY_SHAPE, (m, scope) => {
    const inner = decodePolicy(m.endpointPickingPolicy, scope.field("endpoint_picking_policy"));
    return inner === undefined ? undefined : { ...inner, localityWeighted: true };
  }),
  // Our own: the policy has no message in Envoy's API, so it is named by a TypedStruct.
  "heddle.load_balancing_policies.PeakEwma": {
    kind: "struct",
    decode: (value: JsonObject) => {
      const seconds = Number(value["decay_seconds"] ?? value["decaySeconds"] ?? DECAY_MS / 1000);
      return {
        balancer: { kind: "peak-ewma", decayMs: seconds > 0 ? seconds * 1000 : DECAY_MS },
        localityWeighted: false,
      };
    },
  },
};

/** Extensions that `load_balancing_policy` may name; for the reference. */
export const LOAD_BALANCING_TYPES: readonly string[] = Object.keys(LB_CONFIGS);

/** Undefined for policies that are refused. */
export function decodeLoadBalancing(message: Cluster, scope: DecodeScope): LoadBalancingConfig | undefined {
  const common = message.commonLbConfig;
  if (common !== undefined) checkShape(COMMON_LB_SHAPE, common, scope.field("common_lb_config"));
  if (message.loadBalancingPolicy !== undefined)
    return decodePolicy(message.loadBalancingPolicy, scope.field("load_balancing_policy"));
  const balancer = decodeLegacy(message, common, scope);
  if (balancer === undefined) return undefined;
  const specifier = common?.localityConfigSpecifier;
  const localityWeighted = specifier?.case === "localityWeightedLbConfig";
  if (!(balancer.kind === "round-robin" || balancer.kind === "least-request" || balancer.kind === "random"))
    return { balancer, localityWeighted };
  const zones = decodeZoneAware(specifier?.case === "zoneAwareLbConfig" ? specifier.value : undefined);
  return { balancer, localityWeighted, zones };
}

/** The first policy that is known, as Envoy takes it. */
function decodePolicy(message: LoadBalancingPolicy | undefined, scope: DecodeScope): LoadBalancingConfig | undefined {
  const policies = message?.policies ?? [];
  const known = policies.find((p) => LOAD_BALANCING_TYPES.includes(heldType(p.typedExtensionConfig?.typedConfig)));
  const at = scope.field("policies").item(0).field("typed_extension_config.typed_config");
  return decodeAny((known ?? policies[0])?.typedExtensionConfig?.typedConfig, LB_CONFIGS, at);
}

function decodeLegacy(
  message: Cluster,
  common: Cluster_CommonLbConfig | undefined,
  scope: DecodeScope,
): BalancerConfig | undefined {
  const config = message.lbConfig;
  const hash: HashOptions = {
    useHostname: common?.consistentHashingLbConfig?.useHostnameForHashing ?? false,
    balanceFactor: common?.consistentHashingLbConfig?.hashBalanceFactor ?? 0,
  };
  switch (message.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
    case Cluster_LbPolicy.CLUSTER_PROVIDED:
      return {
        kind: "round-robin",
        slowStart:
          config.case === "roundRobinLbConfig"
            ? slowStart(config.value.slowStartConfig, scope.field("round_robin_lb_config.slow_start_config"))
            : undefined,
      };
    case Cluster_LbPolicy.LEAST_REQUEST: {
      const own = config.case === "leastRequestLbConfig" ? config.value : undefined;
      return {
        kind: "least-request",
        choices: choiceCount(own?.choiceCount, scope.field("least_request_lb_config")),
        bias: runtimeNumber(own?.activeRequestBias, 1),
        slowStart: slowStart(own?.slowStartConfig, scope.field("least_request_lb_config.slow_start_config")),
      };
    }
    case Cluster_LbPolicy.RANDOM:
      return { kind: "random" };
    case Cluster_LbPolicy.RING_HASH: {
      const own = config.case === "ringHashLbConfig" ? config.value : undefined;
      if (own?.hashFunction === Cluster_RingHashLbConfig_HashFunction.MURMUR_HASH_2)
        scope.field("ring_hash_lb_config.hash_function").problem("only XX_HASH is implemented");
      return {
        kind: "ring-hash",
        ...ringSizes(own, scope.field("ring_hash_lb_config")),
        hash,
      };
    }
    case Cluster_LbPolicy.MAGLEV: {
      const own = config.case === "maglevLbConfig" ? config.value : undefined;
      return { kind: "maglev", tableSize: tableSize(own, scope.field("maglev_lb_config")), hash };
    }
    default:
      scope
        .field("lb_policy")
        .problem("needs load_balancing_policy, or one of ROUND_ROBIN, LEAST_REQUEST, RANDOM, RING_HASH, MAGLEV");
      return undefined;
  }
}

function localities(message: LocalityLbConfig | undefined): Pick<LoadBalancingConfig, "localityWeighted" | "zones"> {
  const specifier = message?.localityConfigSpecifier;
  return {
    localityWeighted: specifier?.case === "localityWeightedLbConfig",
    zones: decodeZoneAware(specifier?.case === "zoneAwareLbConfig" ? specifier.value : undefined),
  };
}

/** Places on a ring, at least and at most. Errors: more than Envoy allows, at least more than at most. */
function ringSizes(
  of: { readonly minimumRingSize?: bigint | undefined; readonly maximumRingSize?: bigint | undefined } | undefined,
  scope: DecodeScope,
): { readonly minSize: number; readonly maxSize: number } {
  const minSize = Number(of?.minimumRingSize ?? 1024n);
  const maxSize = Number(of?.maximumRingSize ?? BigInt(LARGEST_RING));
  if (maxSize > LARGEST_RING) scope.field("maximum_ring_size").problem(`a ring has at most ${LARGEST_RING} places`);
  if (minSize > maxSize)
    scope
      .field("minimum_ring_size")
      .problem(`is ${minSize}, above maximum_ring_size, ${maxSize}; lower it, or raise that`);
  return { minSize, maxSize };
}

/** Errors: what is not prime, with which some places would never be reached. */
function tableSize(of: { readonly tableSize?: bigint | undefined } | undefined, scope: DecodeScope): number {
  const size = Number(of?.tableSize ?? BigInt(DEFAULT_TABLE));
  if (size > LARGEST_TABLE) scope.field("table_size").problem(`a table has at most ${LARGEST_TABLE} places`);
  else if (!isPrime(size)) scope.field("table_size").problem(`${size} is not a prime number, such as ${DEFAULT_TABLE}`);
  return size;
}

function isPrime(value: number): boolean {
  for (let i = 2; i * i <= value; i++) if (value % i === 0) return false;
  return value > 1;
}

/** Errors: fewer than two. Source: Envoy. */
function choiceCount(value: number | undefined, scope: DecodeScope): number {
  if (value !== undefined && value < 2) scope.field("choice_count").problem("at least two hosts are compared");
  return value ?? 2;
}

function slowStart(
  message: Cluster_SlowStartConfig | PolicySlowStart | undefined,
  scope: DecodeScope,
): SlowStartConfig | undefined {
  if (message === undefined) return undefined;
  const windowMs = decodeDuration(message.slowStartWindow, scope.field("slow_start_window")) ?? 0;
  if (windowMs === 0) return undefined;
  return {
    windowMs,
    aggression: runtimeNumber(message.aggression, 1),
    minWeight: (message.minWeightPercent?.value ?? 10) / 100,
  };
}
