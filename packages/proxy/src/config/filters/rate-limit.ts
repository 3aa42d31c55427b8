import {
  type RateLimit,
  type RateLimitPerRoute,
  RateLimitPerRoute_VhRateLimitsOptions,
  RateLimitPerRouteSchema,
  RateLimitSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/ratelimit/v3/rate_limit";
import { decodeDuration } from "../duration-field.ts";
import { decodeAskedService, type GrpcServer } from "../grpc-service.ts";
import { decodeAdditions, type HeaderAddition } from "../header-mutation.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import type { HostPolicies } from "./local-rate-limit.ts";

/** Asks a service whether requests are within their limits. */
export interface RateLimitFilterConfig {
  readonly kind: "rate-limit";
  readonly domain: string;
  readonly stage: number;
  readonly server: GrpcServer;
  /** Default: 20 ms. Units: ms. */
  readonly timeoutMs: number;
  /** Without an answer of the service requests are refused. */
  readonly failClosed: boolean;
  readonly statusOnError: number;
  readonly status: number;
  readonly resourceExhausted: boolean;
  /** `x-ratelimit-*` in responses. */
  readonly rateLimitHeaders: boolean;
  /** `x-envoy-ratelimited` in refusals. */
  readonly limitedHeader: boolean;
  readonly responseAdd: readonly HeaderAddition[];
  /** Before the names of its statistics; "" or ending in a dot. */
  readonly statPrefix: string;
}

/** What a route says of the filter. */
export interface RateLimitRouteConfig {
  readonly kind: "rate-limit-route";
  /** "": the filter's own. */
  readonly domain: string;
  readonly hostPolicies: HostPolicies;
}

export const RATE_LIMIT_FILTER_SHAPE = shape(
  RateLimitSchema,
  [
    "domain",
    "stage",
    "timeout",
    "failure_mode_deny",
    "rate_limited_as_resource_exhausted",
    "rate_limit_service",
    "enable_x_ratelimit_headers",
    "disable_x_envoy_ratelimited_header",
    "rate_limited_status",
    "response_headers_to_add",
    "status_on_error",
    "stat_prefix",
  ],
  {},
  {},
  { only: { request_type: { values: ["both"], reason: "the proxy does not tell internal from external requests" } } },
);
export const RATE_LIMIT_ROUTE_SHAPE = shape(
  RateLimitPerRouteSchema,
  ["vh_rate_limits", "domain"],
  {},
  {
    override_option: "Envoy does not act on it either",
    rate_limits: "put rate_limits into the route or virtual host",
  },
);

/** Default of Envoy. Units: ms. */
const TIMEOUT_MS = 20;

export function decodeRateLimitFilter(message: RateLimit, scope: DecodeScope): RateLimitFilterConfig | undefined {
  checkShape(RATE_LIMIT_FILTER_SHAPE, message, scope);
  if (message.domain === "") scope.field("domain").problem("the rate limit filter needs a domain");
  const at = scope.field("rate_limit_service.grpc_service");
  const server = decodeAskedService(message.rateLimitService?.grpcService, at);
  if (server === undefined) return undefined;
  const status = Number(message.rateLimitedStatus?.code ?? 0);
  return {
    kind: "rate-limit",
    domain: message.domain,
    stage: message.stage,
    server,
    timeoutMs: decodeDuration(message.timeout, scope.field("timeout")) ?? TIMEOUT_MS,
    failClosed: message.failureModeDeny,
    statusOnError: Number(message.statusOnError?.code ?? 0) || 500,
    // Source: Envoy: a status under 400 would look like success, and is not taken.
    status: status >= 400 ? status : 429,
    resourceExhausted: message.rateLimitedAsResourceExhausted,
    rateLimitHeaders: message.enableXRatelimitHeaders !== 0,
    limitedHeader: !message.disableXEnvoyRatelimitedHeader,
    responseAdd: decodeAdditions(message.responseHeadersToAdd, scope.field("response_headers_to_add")),
    statPrefix: message.statPrefix === "" ? "" : `${message.statPrefix}.`,
  };
}

export function decodeRateLimitRoute(message: RateLimitPerRoute, scope: DecodeScope): RateLimitRouteConfig {
  checkShape(RATE_LIMIT_ROUTE_SHAPE, message, scope);
  return {
    kind: "rate-limit-route",
    domain: message.domain,
    hostPolicies: HOST[message.vhRateLimits],
  };
}

const HOST: Readonly<Record<RateLimitPerRoute_VhRateLimitsOptions, HostPolicies>> = {
  [RateLimitPerRoute_VhRateLimitsOptions.OVERRIDE]: "when-route-has-none",
  [RateLimitPerRoute_VhRateLimitsOptions.INCLUDE]: "also",
  [RateLimitPerRoute_VhRateLimitsOptions.IGNORE]: "never",
};
