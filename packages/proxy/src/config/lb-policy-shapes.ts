import {
  ConsistentHashingLbConfigSchema,
  LocalityLbConfigSchema,
} from "@heddle/xds-api/envoy/extensions/load_balancing_policies/common/v3/common";
import { LeastRequestSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/least_request/v3/least_request";
import { MaglevSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/maglev/v3/maglev";
import { PickFirstSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/pick_first/v3/pick_first";
import { RandomSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/random/v3/random";
import { RingHashSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash";
import { RoundRobinSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin";
import { WrrLocalitySchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality";
import { type PartFields, shape } from "./shape.ts";
import { ZONE_AWARE_POLICY_SHAPE } from "./zone-aware.ts";

export const LOCALITY_LB_SHAPE = shape(
  LocalityLbConfigSchema,
  ["locality_weighted_lb_config", "zone_aware_lb_config"],
  {},
  {},
  { inside: { zone_aware_lb_config: ZONE_AWARE_POLICY_SHAPE } },
);
export const CONSISTENT_HASHING_SHAPE = shape(ConsistentHashingLbConfigSchema, [
  "use_hostname_for_hashing",
  "hash_balance_factor",
]);
const LOCALITY: PartFields = { inside: { locality_lb_config: LOCALITY_LB_SHAPE } };
const HASHING: PartFields = { inside: { consistent_hashing_lb_config: CONSISTENT_HASHING_SHAPE } };
export const ROUND_ROBIN_POLICY_SHAPE = shape(
  RoundRobinSchema,
  ["slow_start_config", "locality_lb_config"],
  {},
  {},
  LOCALITY,
);
export const LEAST_REQUEST_POLICY_SHAPE = shape(
  LeastRequestSchema,
  [
    "choice_count",
    "active_request_bias",
    "slow_start_config",
    "locality_lb_config",
    "enable_full_scan",
    "selection_method",
  ],
  {},
  {},
  LOCALITY,
);
export const RANDOM_POLICY_SHAPE = shape(RandomSchema, ["locality_lb_config"], {}, {}, LOCALITY);
export const PICK_FIRST_POLICY_SHAPE = shape(
  PickFirstSchema,
  [],
  {},
  {},
  { only: { shuffle_address_list: { values: ["false"], reason: "the first address of the list is taken" } } },
);
export const RING_HASH_POLICY_SHAPE = shape(
  RingHashSchema,
  [
    "hash_function",
    "minimum_ring_size",
    "maximum_ring_size",
    "use_hostname_for_hashing",
    "hash_balance_factor",
    "consistent_hashing_lb_config",
    "locality_weighted_lb_config",
  ],
  {},
  {},
  HASHING,
);
export const MAGLEV_POLICY_SHAPE = shape(
  MaglevSchema,
  ["table_size", "consistent_hashing_lb_config", "locality_weighted_lb_config"],
  {},
  {},
  HASHING,
);

export const WRR_LOCALITY_POLICY_SHAPE = shape(WrrLocalitySchema, ["endpoint_picking_policy"]);
