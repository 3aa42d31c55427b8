import {
  type Cluster_PreconnectPolicy,
  Cluster_PreconnectPolicySchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Connections that HTTP requests find ready, for each stream that is under way or waits. Default: 1 each, none ahead. */
export interface PreconnectConfig {
  /** To the host of the streams. */
  readonly perUpstream: number;
  /** To the hosts of the streams that come next. */
  readonly predictive: number;
}

export const PRECONNECT_SHAPE = shape(Cluster_PreconnectPolicySchema, [
  "per_upstream_preconnect_ratio",
  "predictive_preconnect_ratio",
]);

/** Errors: ratios outside of 1 to 3. */
export function decodePreconnect(message: Cluster_PreconnectPolicy | undefined, scope: DecodeScope): PreconnectConfig {
  if (message !== undefined) checkShape(PRECONNECT_SHAPE, message, scope);
  const ratio = (name: string, value: number | undefined): number => {
    if (value !== undefined && !(value >= 1 && value <= 3)) scope.field(name).problem("a ratio is between 1 and 3");
    return value ?? 1;
  };
  return {
    perUpstream: ratio("per_upstream_preconnect_ratio", message?.perUpstreamPreconnectRatio),
    predictive: ratio("predictive_preconnect_ratio", message?.predictivePreconnectRatio),
  };
}
