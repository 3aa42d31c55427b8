import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { HttpRetry, MeshConfig } from "@heddle/config";
import { packAny } from "@heddle/xds-api";
import type { RetryPolicySchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { PreviousHostsPredicateSchema } from "@heddle/xds-api/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts";
import { PreviousPrioritiesConfigSchema } from "@heddle/xds-api/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config";
import { protoDuration } from "../proto-duration.ts";
import { stringMatcher } from "./route-match.ts";

type RetryPolicy = MessageInitShape<typeof RetryPolicySchema>;

/** Failures after which the request has certainly not been handled. Source: Istio's default since 1.24. */
const safe = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/** The retry policy of a route: its own, else MeshConfig's, else the safe default; undefined when there are to be no retries. */
export function retryPolicy(
  mesh: MeshConfig,
  own: HttpRetry | undefined,
  retriableGrpc: readonly number[] = [],
): RetryPolicy | undefined {
  const wanted = own ?? mesh.defaultHttpRetryPolicy;
  const attempts = wanted?.attempts ?? 2;
  if (attempts === 0) return undefined;
  const { retryOn, codes } = splitConditions(wanted?.retryOn);
  const otherHost = wanted?.retryIgnorePreviousHosts ?? true;
  return {
    retryOn,
    retriableStatusCodes: codes,
    // A response that consists of its status only says it in its head.
    retriableHeaders:
      retriableGrpc.length === 0
        ? []
        : [
            {
              name: "grpc-status",
              headerMatchSpecifier: { case: "stringMatch", value: stringMatcher({ regex: retriableGrpc.join("|") }) },
            },
          ],
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
    ...(wanted?.retryRemoteLocalities === true
      ? {
          retryPriority: {
            name: "envoy.retry_priorities.previous_priorities",
            configType: {
              case: "typedConfig",
              value: packAny(
                PreviousPrioritiesConfigSchema,
                create(PreviousPrioritiesConfigSchema, { updateFrequency: 2 }),
              ),
            },
          },
        }
      : {}),
  };
}

/** `retryOn` may name status codes among the conditions: `connect-failure,503`. */
function splitConditions(retryOn: string | undefined): { readonly retryOn: string; readonly codes: number[] } {
  if (retryOn === undefined || retryOn === "") return { retryOn: safe, codes: [] };
  const parts = retryOn.split(",").map((part) => part.trim());
  const codes = parts.filter((part) => /^\d{3}$/.test(part)).map(Number);
  const conditions = parts.filter((part) => !/^\d{3}$/.test(part) && part !== "");
  if (codes.length > 0 && !conditions.includes("retriable-status-codes")) conditions.push("retriable-status-codes");
  return { retryOn: conditions.join(","), codes };
}
