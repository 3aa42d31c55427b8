import {
  type LocalRateLimit,
  LocalRateLimitSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit";
import type { RuntimeShare } from "../../runtime/runtime.ts";
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
  /** In front of the names of its statistics, with its dot. */
  readonly statPrefix: string;
  readonly enabled: RuntimeShare;
  readonly enforced: RuntimeShare;
  readonly responseAdd: readonly HeaderAddition[];
  readonly requestAddNotEnforced: readonly HeaderAddition[];
  readonly perConnection: boolean;
  readonly rateLimitHeaders: boolean;
  /** gRPC clients get RESOURCE_EXHAUSTED instead of UNAVAILABLE. */
  readonly resourceExhausted: boolean;
  /** Buckets of requests with certain descriptors. */
  readonly descriptors: readonly DescriptorBucket[];
  readonly stage: number;
  readonly hostPolicies: HostPolicies;
  /** Requests with a descriptor take a token of the default bucket too. */
  readonly alwaysDefault: boolean;
}

/** A bucket for requests whose descriptor has these entries; an empty value stands for any, each with a bucket of its own. */
export interface DescriptorBucket {
  readonly entries: readonly (readonly [key: string, value: string])[];
  readonly bucket: TokenBucketConfig;
}

export type HostPolicies = "when-route-has-none" | "also" | "never";

/** Source: Envoy `VhRateLimitsOptions`: OVERRIDE, INCLUDE, IGNORE. */
export const HOST_POLICIES: readonly HostPolicies[] = ["when-route-has-none", "also", "never"];

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
    "descriptors",
    "stage",
    "vh_rate_limits",
    "always_consume_default_token_bucket",
    "stat_prefix",
  ],
  {},
  {
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
    statPrefix: `${message.statPrefix}.`,
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
    descriptors: decodeDescriptors(message, scope.field("descriptors")),
    stage: message.stage,
    hostPolicies: HOST_POLICIES[message.vhRateLimits] ?? "when-route-has-none",
    alwaysDefault: message.alwaysConsumeDefaultTokenBucket ?? true,
  };
}

function decodeDescriptors(message: LocalRateLimit, scope: DecodeScope): readonly DescriptorBucket[] {
  const list: DescriptorBucket[] = [];
  message.descriptors.forEach((descriptor, i) => {
    const at = scope.item(i);
    const bucket = decodeTokenBucket(descriptor.tokenBucket, at.field("token_bucket"));
    if (bucket === undefined) at.field("token_bucket").problem("a descriptor needs a token bucket");
    if (descriptor.entries.length === 0) at.field("entries").problem("a descriptor needs at least one entry");
    if (bucket !== undefined) list.push({ entries: descriptor.entries.map((e) => [e.key, e.value]), bucket });
  });
  if (list.length > 0 && message.tokenBucket === undefined)
    scope.problem("descriptors need a token_bucket for all other requests");
  return list;
}
