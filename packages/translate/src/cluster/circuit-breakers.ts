import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CircuitBreakersSchema } from "@heddle/xds-api/envoy/config/cluster/v3/circuit_breaker";
import { protoDuration } from "../proto-duration.ts";
import type { ClusterPolicy } from "./effective-policy.ts";

const unlimited = 4_294_967_295;

/** Limits of a cluster. Without a DestinationRule there are none, as in Istio; Envoy's own default is 1024 of everything. */
export function circuitBreakers(policy: ClusterPolicy): MessageInitShape<typeof CircuitBreakersSchema> {
  const { tcp, http } = policy.connectionPool ?? {};
  const budget = policy.retryBudget;
  return {
    thresholds: [
      {
        maxConnections: tcp?.maxConnections ?? unlimited,
        maxPendingRequests: http?.http1MaxPendingRequests ?? unlimited,
        maxRequests: http?.http2MaxRequests ?? unlimited,
        maxRetries: http?.maxRetries ?? unlimited,
        trackRemaining: true,
        ...(budget === undefined
          ? {}
          : {
              retryBudget: {
                budgetPercent: { value: budget.percent ?? 20 },
                minRetryConcurrency: budget.minRetryConcurrency ?? 3,
                ...(budget.budgetInterval === undefined
                  ? {}
                  : { budgetInterval: protoDuration(budget.budgetInterval) }),
              },
            }),
      },
    ],
  };
}

export const noLimits = circuitBreakers({});
