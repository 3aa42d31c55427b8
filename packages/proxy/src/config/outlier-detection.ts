import {
  type OutlierDetection,
  OutlierDetectionSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/outlier_detection";
import { decodeDuration } from "./duration-field.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** When a host that answers badly is left out for a while. Shares are 0…1; durations in ms. Source: Envoy `OutlierDetection`. */
export interface OutlierConfig {
  readonly consecutive5xx: number;
  readonly consecutiveGateway: number;
  readonly consecutiveLocal: number;
  readonly splitLocal: boolean;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly jitterMs: number;
  /** Units: %. */
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOne: boolean;
  readonly enforcing: {
    readonly consecutive5xx: number;
    readonly consecutiveGateway: number;
    readonly consecutiveLocal: number;
    readonly successRate: number;
    readonly localSuccessRate: number;
    readonly failurePercentage: number;
    readonly localFailurePercentage: number;
  };
  readonly successRateMinHosts: number;
  readonly successRateVolume: number;
  /** Standard deviations below the mean. */
  readonly successRateStdev: number;
  /** Units: %. */
  readonly failureThreshold: number;
  readonly failureMinHosts: number;
  readonly failureVolume: number;
  /** A passed health check ends an ejection. */
  readonly healthCheckUnejects: boolean;
}

export const OUTLIER_SHAPE = shape(
  OutlierDetectionSchema,
  [
    "consecutive_5xx",
    "interval",
    "base_ejection_time",
    "max_ejection_percent",
    "enforcing_consecutive_5xx",
    "enforcing_success_rate",
    "success_rate_minimum_hosts",
    "success_rate_request_volume",
    "success_rate_stdev_factor",
    "consecutive_gateway_failure",
    "enforcing_consecutive_gateway_failure",
    "split_external_local_origin_errors",
    "consecutive_local_origin_failure",
    "enforcing_consecutive_local_origin_failure",
    "enforcing_local_origin_success_rate",
    "failure_percentage_threshold",
    "enforcing_failure_percentage",
    "enforcing_failure_percentage_local_origin",
    "failure_percentage_minimum_hosts",
    "failure_percentage_request_volume",
    "max_ejection_time",
    "max_ejection_time_jitter",
    "successful_active_health_check_uneject_host",
    "always_eject_one_host",
  ],
  {},
  { monitors: "there are no monitor extensions" },
);

export function decodeOutlier(message: OutlierDetection | undefined, scope: DecodeScope): OutlierConfig | undefined {
  if (message === undefined) return undefined;
  checkShape(OUTLIER_SHAPE, message, scope);
  const baseEjectionMs = decodeDuration(message.baseEjectionTime, scope.field("base_ejection_time")) ?? 30_000;
  const longestMs = decodeDuration(message.maxEjectionTime, scope.field("max_ejection_time"));
  if (longestMs !== undefined && longestMs < baseEjectionMs)
    scope.field("max_ejection_time").problem("must not be below base_ejection_time");
  const share = (value: number | undefined, absent: number) => (value ?? absent) / 100;
  return {
    consecutive5xx: message.consecutive5xx ?? 5,
    consecutiveGateway: message.consecutiveGatewayFailure ?? 5,
    consecutiveLocal: message.consecutiveLocalOriginFailure ?? 5,
    splitLocal: message.splitExternalLocalOriginErrors,
    intervalMs: decodeDuration(message.interval, scope.field("interval")) ?? 10_000,
    baseEjectionMs,
    maxEjectionMs: longestMs ?? Math.max(300_000, baseEjectionMs),
    jitterMs: decodeDuration(message.maxEjectionTimeJitter, scope.field("max_ejection_time_jitter")) ?? 0,
    maxEjectionPercent: message.maxEjectionPercent ?? 10,
    alwaysEjectOne: message.alwaysEjectOneHost ?? false,
    enforcing: {
      consecutive5xx: share(message.enforcingConsecutive5xx, 100),
      consecutiveGateway: share(message.enforcingConsecutiveGatewayFailure, 0),
      consecutiveLocal: share(message.enforcingConsecutiveLocalOriginFailure, 100),
      successRate: share(message.enforcingSuccessRate, 100),
      localSuccessRate: share(message.enforcingLocalOriginSuccessRate, 100),
      failurePercentage: share(message.enforcingFailurePercentage, 0),
      localFailurePercentage: share(message.enforcingFailurePercentageLocalOrigin, 0),
    },
    successRateMinHosts: message.successRateMinimumHosts ?? 5,
    successRateVolume: message.successRateRequestVolume ?? 100,
    successRateStdev: (message.successRateStdevFactor ?? 1900) / 1000,
    failureThreshold: message.failurePercentageThreshold ?? 85,
    failureMinHosts: message.failurePercentageMinimumHosts ?? 5,
    failureVolume: message.failurePercentageRequestVolume ?? 50,
    healthCheckUnejects: message.successfulActiveHealthCheckUnejectHost ?? true,
  };
}
