import {
  type HealthCheck,
  HealthCheckSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/health_check/v3/health_check";
import { decodeDuration } from "../duration-field.ts";
import { decodeHeaderMatch, type HeaderMatch } from "../header-match.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** Requests that ask whether this proxy, or what is behind it, is well. */
export interface HealthCheckFilterConfig {
  readonly kind: "health-check";
  /** What such requests have in common; empty: all are. */
  readonly headers: readonly HeaderMatch[];
  /** They go to the server while the proxy has not been told to fail. */
  readonly passes: boolean;
  /** The server's last answer counts for so long; undefined: it is asked each time. */
  readonly cacheMs: number | undefined;
  /** How much of which clusters must be well. Units: %. */
  readonly clusters: readonly (readonly [name: string, percent: number])[];
}

export const HEALTH_CHECK_FILTER_SHAPE = shape(HealthCheckSchema, [
  "pass_through_mode",
  "cache_time",
  "cluster_min_healthy_percentages",
  "headers",
]);

/** Errors: no `pass_through_mode`, a cache without it. */
export function decodeHealthCheckFilter(message: HealthCheck, scope: DecodeScope): HealthCheckFilterConfig {
  checkShape(HEALTH_CHECK_FILTER_SHAPE, message, scope);
  const passes = message.passThroughMode;
  if (passes === undefined) scope.field("pass_through_mode").problem("is required");
  const cacheMs = decodeDuration(message.cacheTime, scope.field("cache_time"));
  if (cacheMs !== undefined && passes === false)
    scope.field("cache_time").problem("needs pass_through_mode: there is no server's answer to keep");
  const headers: HeaderMatch[] = [];
  message.headers.forEach((item, i) => {
    const match = decodeHeaderMatch(item, scope.field("headers").item(i));
    if (match !== undefined) headers.push(match);
  });
  return {
    kind: "health-check",
    headers,
    passes: passes ?? false,
    // Source: Envoy: no time, no cache.
    cacheMs: cacheMs === 0 ? undefined : cacheMs,
    clusters: Object.entries(message.clusterMinHealthyPercentages).map(([name, { value }]) => [name, value]),
  };
}
