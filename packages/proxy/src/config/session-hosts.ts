import { HealthStatusSetSchema } from "@heddle/xds-api/envoy/config/core/v3/health_check";
import { type Cluster, HealthStatus } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Hosts that take the requests of their sessions beside those that work. */
export interface SessionHosts {
  readonly degraded: boolean;
  readonly draining: boolean;
}

export const HEALTH_STATUS_SET_SHAPE = shape(HealthStatusSetSchema, ["statuses"]);

/** Source: Envoy `HostUtility::createOverrideHostStatus`. */
const DEFAULT: SessionHosts = { degraded: true, draining: false };

/** `override_host_status`. Errors: states that are not all hosts that work, or hosts that do not. */
export function decodeSessionHosts(message: Cluster, scope: DecodeScope): SessionHosts {
  const set = message.commonLbConfig?.overrideHostStatus;
  if (set === undefined) return DEFAULT;
  const at = scope.field("common_lb_config.override_host_status");
  checkShape(HEALTH_STATUS_SET_SHAPE, set, at);
  const has = (status: HealthStatus): boolean => set.statuses.includes(status);
  if (!has(HealthStatus.UNKNOWN) || !has(HealthStatus.HEALTHY))
    at.field("statuses").problem("needs UNKNOWN and HEALTHY: a session stays at a host that works");
  if (has(HealthStatus.UNHEALTHY) || has(HealthStatus.TIMEOUT))
    at.field("statuses").problem("UNHEALTHY and TIMEOUT are not taken: a session leaves a host that does not work");
  return { degraded: has(HealthStatus.DEGRADED), draining: has(HealthStatus.DRAINING) };
}
