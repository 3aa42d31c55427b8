import type { JsonObject } from "@bufbuild/protobuf";
import {
  type Cluster_LbSubsetConfig,
  Cluster_LbSubsetConfig_LbSubsetSelectorSchema,
  Cluster_LbSubsetConfigSchema,
  Cluster_LbSubsetConfig_LbSubsetFallbackPolicy as Fallback,
  Cluster_LbSubsetConfig_LbSubsetSelector_LbSubsetSelectorFallbackPolicy as SelectorFallback,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Where requests go whose subset has no host. */
export type SubsetFallback = "none" | "any" | "default";

export interface SubsetSelector {
  /** Sorted. */
  readonly keys: readonly string[];
  /** Undefined: that of the cluster. */
  readonly fallback: SubsetFallback | undefined;
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
  { "locality_weight_aware scale_locality_weight": "weights of localities always count within a subset" },
  { metadata_fallback_policy: "fallback lists in metadata are not implemented" },
);
export const SUBSET_SELECTOR_SHAPE = shape(
  Cluster_LbSubsetConfig_LbSubsetSelectorSchema,
  ["keys", "fallback_policy"],
  { single_host_per_subset: "only makes Envoy's tables smaller" },
  { fallback_keys_subset: "a subset falls back to all hosts or to the default subset only" },
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
      return { keys: [...selector.keys].sort(), fallback: selectorFallback(selector.fallbackPolicy) };
    }),
    listAsAny: message.listAsAny,
    panicAny: message.panicModeAny,
  };
}

function selectorFallback(policy: SelectorFallback): SubsetFallback | undefined {
  switch (policy) {
    case SelectorFallback.NO_FALLBACK:
      return "none";
    case SelectorFallback.ANY_ENDPOINT:
      return "any";
    case SelectorFallback.DEFAULT_SUBSET:
      return "default";
    default:
      return undefined;
  }
}
