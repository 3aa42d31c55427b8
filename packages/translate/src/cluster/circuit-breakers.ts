import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CircuitBreakersSchema } from "@heddle/xds-api/envoy/config/cluster/v3/circuit_breaker";

const unlimited = 4_294_967_295;

/** No limits, as Istio has it without a DestinationRule; Envoy's own default is 1024 of everything. */
export const noLimits: MessageInitShape<typeof CircuitBreakersSchema> = {
  thresholds: [
    {
      maxConnections: unlimited,
      maxPendingRequests: unlimited,
      maxRequests: unlimited,
      maxRetries: unlimited,
      trackRemaining: true,
    },
  ],
};
