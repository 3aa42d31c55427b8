import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { MeshConfig } from "@heddle/config";
import { packAny } from "@heddle/xds-api";
import type { RetryPolicySchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { PreviousHostsPredicateSchema } from "@heddle/xds-api/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts";
import { protoDuration } from "../proto-duration.ts";

/** Failures after which the request has certainly not been handled. Source: Istio's default since 1.24. */
const safe = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/** The retry policy of routes that have none of their own; undefined when MeshConfig switches retries off. */
export function defaultRetryPolicy(mesh: MeshConfig): MessageInitShape<typeof RetryPolicySchema> | undefined {
  const wanted = mesh.defaultHttpRetryPolicy;
  const attempts = wanted?.attempts ?? 2;
  if (attempts === 0) return undefined;
  const otherHost = wanted?.retryIgnorePreviousHosts ?? true;
  return {
    retryOn: wanted?.retryOn ?? safe,
    numRetries: attempts,
    hostSelectionRetryMaxAttempts: 5n,
    ...(wanted?.perTryTimeout === undefined ? {} : { perTryTimeout: protoDuration(wanted.perTryTimeout) }),
    ...(wanted?.backoff === undefined ? {} : { retryBackOff: { baseInterval: protoDuration(wanted.backoff) } }),
    retryHostPredicate: otherHost
      ? [
          {
            name: "envoy.retry_host_predicates.previous_hosts",
            configType: {
              case: "typedConfig",
              value: packAny(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)),
            },
          },
        ]
      : [],
  };
}
