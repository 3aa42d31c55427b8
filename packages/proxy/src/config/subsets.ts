import type { JsonObject } from "@bufbuild/protobuf";
import {
  type Cluster_LbSubsetConfig,
  type Cluster_LbSubsetConfig_LbSubsetSelector,
  Cluster_LbSubsetConfig_LbSubsetSelectorSchema,
  Cluster_LbSubsetConfigSchema,
  Cluster_LbSubsetConfig_LbSubsetFallbackPolicy as Fallback,
  Cluster_LbSubsetConfig_LbSubsetSelector_LbSubsetSelectorFallbackPolicy as SelectorFallback,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Where requests go whose subset has no host. */
export type SubsetFallback = "none" | "any" | "default" | "fewer-keys";

export interface SubsetSelector {
  /** Sorted. */
  readonly keys: readonly string[];
  /** Undefined: that of the cluster. */
  readonly fallback: SubsetFallback | undefined;
  /** With "fewer-keys": the labels that still count; sorted. */
  readonly fewerKeys: readonly string[];
}

/** Hosts grouped by their labels. */
export interface SubsetConfig {
  readonly fallback: SubsetFallback;
  readonly defaultSubset: JsonObject;
  readonly selectors: readonly SubsetSelector[];
  readonly listAsAny: boolean;
  readonly panicAny: boolean;
}

export const SUBSET_SHAPE = shape(
  Cluster_LbSubsetConfigSchema,
  ["fallback_policy", "default_subset", "subset_selectors", "list_as_any", "panic_mode_any"],
  {},
  { metadata_fallback_policy: "use fallback_policy and fallback_keys_subset of the selectors" },
  {
    only: { scale_locality_weight: { values: ["false"], reason: "weights of localities count as they are" } },
    differs: { locality_weight_aware: "weights of localities count within a subset too, as where this is set" },
  },
);
export const SUBSET_SELECTOR_SHAPE = shape(
  Cluster_LbSubsetConfig_LbSubsetSelectorSchema,
  ["keys", "fallback_policy", "fallback_keys_subset"],
  {},
  {},
  { only: { single_host_per_subset: { values: ["false"], reason: "every host with a subset's labels is used" } } },
);

export function decodeSubsets(
  message: Cluster_LbSubsetConfig | undefined,
  scope: DecodeScope,
): SubsetConfig | undefined {
  if (message === undefined || message.subsetSelectors.length === 0) return undefined;
  checkShape(SUBSET_SHAPE, message, scope);
  const fallback: SubsetFallback =
    message.fallbackPolicy === Fallback.ANY_ENDPOINT
      ? "any"
      : message.fallbackPolicy === Fallback.DEFAULT_SUBSET
        ? "default"
        : "none";
  return {
    fallback,
    defaultSubset: message.defaultSubset ?? {},
    selectors: message.subsetSelectors.map((selector, i) => {
      const at = scope.field("subset_selectors").item(i);
      checkShape(SUBSET_SELECTOR_SHAPE, selector, at);
      return {
        keys: [...selector.keys].sort(),
        fallback: selectorFallback(selector.fallbackPolicy),
        fewerKeys: fewerKeys(selector, at),
      };
    }),
    listAsAny: message.listAsAny,
    panicAny: message.panicModeAny,
  };
}

/** Errors: keys that the selector does not have, or all that it has. */
function fewerKeys(selector: Cluster_LbSubsetConfig_LbSubsetSelector, scope: DecodeScope): readonly string[] {
  const fewer = [...selector.fallbackKeysSubset].sort();
  if (selector.fallbackPolicy !== SelectorFallback.KEYS_SUBSET) return [];
  if (fewer.length === 0 || fewer.length >= selector.keys.length || fewer.some((key) => !selector.keys.includes(key)))
    scope.field("fallback_keys_subset").problem("KEYS_SUBSET needs some of the selector's keys, not all");
  return fewer;
}

function selectorFallback(policy: SelectorFallback): SubsetFallback | undefined {
  switch (policy) {
    case SelectorFallback.NO_FALLBACK:
      return "none";
    case SelectorFallback.ANY_ENDPOINT:
      return "any";
    case SelectorFallback.DEFAULT_SUBSET:
      return "default";
    case SelectorFallback.KEYS_SUBSET:
      return "fewer-keys";
    default:
      return undefined;
  }
}
