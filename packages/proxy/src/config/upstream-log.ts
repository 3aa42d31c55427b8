import {
  type Router,
  Router_UpstreamAccessLogOptionsSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/router/v3/router";
import { type AccessLogConfig, decodeAccessLogs } from "./access-log.ts";
import { decodeDuration } from "./duration-field.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Lines for each try of a request. Source: Envoy's router, `upstream_log`. */
export interface UpstreamLogConfig {
  readonly logs: readonly AccessLogConfig[];
  /** Also when a try has its connection. */
  readonly whenReady: boolean;
  /** Also while it lasts; 0: not. Units: ms. */
  readonly intervalMs: number;
}

export const UPSTREAM_LOG_OPTIONS_SHAPE = shape(Router_UpstreamAccessLogOptionsSchema, [
  "flush_upstream_log_on_upstream_stream",
  "upstream_log_flush_interval",
]);

/** Undefined: tries have no lines. Errors: an interval below 1 ms. */
export function decodeUpstreamLog(
  { upstreamLog, upstreamLogOptions: options }: Router,
  scope: DecodeScope,
): UpstreamLogConfig | undefined {
  const logs = decodeAccessLogs(upstreamLog, scope.field("upstream_log"));
  const at = scope.field("upstream_log_options");
  if (options !== undefined) checkShape(UPSTREAM_LOG_OPTIONS_SHAPE, options, at);
  const intervalAt = at.field("upstream_log_flush_interval");
  const intervalMs = decodeDuration(options?.upstreamLogFlushInterval, intervalAt);
  if (intervalMs !== undefined && intervalMs < 1)
    intervalAt.problem("the interval between two lines must be 1 ms at least");
  if (logs.length === 0) return undefined;
  return { logs, whenReady: options?.flushUpstreamLogOnUpstreamStream ?? false, intervalMs: intervalMs ?? 0 };
}
