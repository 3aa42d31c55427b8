import {
  type LocalRateLimit,
  LocalRateLimitSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit";
import { runtimeFraction } from "../fraction.ts";
import { decodeAdditions, type HeaderAddition } from "../header-mutation.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeTokenBucket, type TokenBucketConfig } from "../token-bucket.ts";

export interface LocalRateLimitConfig {
  readonly kind: "local-rate-limit";
  readonly status: number;
  /** Undefined: nothing is limited. */
  readonly bucket: TokenBucketConfig | undefined;
  readonly enabled: number;
  readonly enforced: number;
  readonly responseAdd: readonly HeaderAddition[];
  readonly requestAddNotEnforced: readonly HeaderAddition[];
  readonly perConnection: boolean;
  readonly rateLimitHeaders: boolean;
  /** gRPC clients get RESOURCE_EXHAUSTED instead of UNAVAILABLE. */
  readonly resourceExhausted: boolean;
}

export const LOCAL_RATE_LIMIT_SHAPE = shape(
  LocalRateLimitSchema,
  [
    "status",
    "token_bucket",
    "filter_enabled",
    "filter_enforced",
    "response_headers_to_add",
    "request_headers_to_add_when_not_enforced",
    "local_rate_limit_per_downstream_connection",
    "enable_x_ratelimit_headers",
    "rate_limited_as_resource_exhausted",
  ],
  {
    stat_prefix: "only names statistics",
    "stage vh_rate_limits always_consume_default_token_bucket": "only matter together with descriptors",
  },
  {
    descriptors: "one bucket per filter and route; put a local rate limit into typed_per_filter_config of each route",
    local_cluster_rate_limit: "each proxy counts for itself",
  },
);

export function decodeLocalRateLimit(message: LocalRateLimit, scope: DecodeScope): LocalRateLimitConfig {
  checkShape(LOCAL_RATE_LIMIT_SHAPE, message, scope);
  const status = Number(message.status?.code ?? 0);
  return {
    kind: "local-rate-limit",
    // Source: Envoy: a status under 400 would look like success, and is not taken.
    status: status >= 400 ? status : 429,
    bucket: decodeTokenBucket(message.tokenBucket, scope.field("token_bucket")),
    enabled: runtimeFraction(message.filterEnabled, 0),
    enforced: runtimeFraction(message.filterEnforced, 0),
    responseAdd: decodeAdditions(message.responseHeadersToAdd, scope.field("response_headers_to_add")),
    requestAddNotEnforced: decodeAdditions(
      message.requestHeadersToAddWhenNotEnforced,
      scope.field("request_headers_to_add_when_not_enforced"),
    ),
    perConnection: message.localRateLimitPerDownstreamConnection,
    rateLimitHeaders: message.enableXRatelimitHeaders !== 0,
    resourceExhausted: message.rateLimitedAsResourceExhausted,
  };
}
