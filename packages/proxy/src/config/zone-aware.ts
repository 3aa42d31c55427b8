import { Cluster_CommonLbConfig_ZoneAwareLbConfigSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { LocalityLbConfig_ZoneAwareLbConfigSchema } from "@heddle/xds-api/envoy/extensions/load_balancing_policies/common/v3/common";
import type { RuntimeNumber, RuntimeShare } from "../runtime/runtime.ts";
import { shape } from "./shape.ts";

/** When requests stay in the proxy's own zone. Source: Envoy zone-aware routing. */
export interface ZoneAwareConfig {
  /** Part of the requests that zones are looked at for. */
  readonly enabled: RuntimeShare;
  /** Healthy hosts that a cluster needs. */
  readonly minHosts: RuntimeNumber;
  /** Nobody is chosen where too few hosts are healthy. */
  readonly failOnPanic: boolean;
}

const FIELDS = ["routing_enabled", "min_cluster_size", "fail_traffic_on_panic"];
export const ZONE_AWARE_SHAPE = shape(Cluster_CommonLbConfig_ZoneAwareLbConfigSchema, FIELDS);
export const ZONE_AWARE_POLICY_SHAPE = shape(LocalityLbConfig_ZoneAwareLbConfigSchema, FIELDS);

/** With a local cluster it holds without a message too. Source: Envoy's defaults and runtime keys. */
export function decodeZoneAware(
  message:
    | {
        readonly routingEnabled?: { readonly value: number } | undefined;
        readonly minClusterSize?: bigint | undefined;
        readonly failTrafficOnPanic: boolean;
      }
    | undefined,
): ZoneAwareConfig {
  return {
    enabled: { key: "upstream.zone_routing.enabled", base: (message?.routingEnabled?.value ?? 100) / 100 },
    minHosts: { key: "upstream.zone_routing.min_cluster_size", base: Number(message?.minClusterSize ?? 6n) },
    failOnPanic: message?.failTrafficOnPanic ?? false,
  };
}
