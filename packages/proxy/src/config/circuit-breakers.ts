import {
  type CircuitBreakers,
  CircuitBreakers_ThresholdsSchema,
  CircuitBreakersSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/circuit_breaker";
import type { RoutingPriority } from "@heddle/xds-api/envoy/config/core/v3/base";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Limits at which the cluster refuses more. */
export interface CircuitLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  readonly maxHostConnections: number;
  /** What is left of each limit is shown among the statistics. */
  readonly trackRemaining: boolean;
  /** Replaces `maxRetries`: a share of the requests under way. */
  readonly retryBudget: { readonly share: number; readonly minimum: number } | undefined;
}

export const CIRCUIT_BREAKERS_SHAPE = shape(CircuitBreakersSchema, ["thresholds", "per_host_thresholds"]);
export const THRESHOLDS_SHAPE = shape(
  CircuitBreakers_ThresholdsSchema,
  [
    "priority",
    "max_connections",
    "max_pending_requests",
    "max_requests",
    "max_retries",
    "retry_budget",
    "track_remaining",
  ],
  {},
  { max_connection_pools: "an endpoint has one pool for each protocol; bound it by max_connections" },
);

/** Envoy takes nothing else for one host either. */
const PER_HOST_SHAPE = shape(
  CircuitBreakers_ThresholdsSchema,
  ["priority", "max_connections"],
  {},
  {
    "max_pending_requests max_requests max_retries retry_budget track_remaining max_connection_pools":
      "for one host there is max_connections only",
  },
);

export function checkCircuitBreakers(message: CircuitBreakers | undefined, scope: DecodeScope): void {
  if (message === undefined) return;
  checkShape(CIRCUIT_BREAKERS_SHAPE, message, scope);
  message.perHostThresholds.forEach((t, i) => {
    checkShape(PER_HOST_SHAPE, t, scope.field("per_host_thresholds").item(i));
  });
  message.thresholds.forEach((t, i) => {
    checkShape(THRESHOLDS_SHAPE, t, scope.field("thresholds").item(i));
  });
}

export function decodeLimits(message: CircuitBreakers | undefined, priority: RoutingPriority): CircuitLimits {
  const found = message?.thresholds.find((t) => t.priority === priority);
  const budget = found?.retryBudget;
  return {
    maxConnections: found?.maxConnections ?? 1024,
    maxPendingRequests: found?.maxPendingRequests ?? 1024,
    maxRequests: found?.maxRequests ?? 1024,
    maxRetries: found?.maxRetries ?? 3,
    maxHostConnections:
      message?.perHostThresholds.find((t) => t.priority === priority)?.maxConnections ?? Number.POSITIVE_INFINITY,
    trackRemaining: found?.trackRemaining ?? false,
    retryBudget:
      budget === undefined
        ? undefined
        : { share: (budget.budgetPercent?.value ?? 20) / 100, minimum: budget.minRetryConcurrency ?? 3 },
  };
}
