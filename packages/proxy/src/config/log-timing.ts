import { decodeDuration, type ProtoDurationField } from "./duration-field.ts";
import {
  type HttpConnectionManager,
  HttpConnectionManager_HcmAccessLogOptionsSchema,
  type TcpProxy,
  TcpProxy_TcpAccessLogOptionsSchema,
} from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { shape } from "./shape.ts";

/** Lines of access logs before the end of a request or of a TCP connection. */
export interface LogTiming {
  /** 0: none. Units: ms. */
  readonly intervalMs: number;
  /** When it begins, before anything is asked of the upstream. */
  readonly atStart: boolean;
  /** When the TCP proxy's upstream connection is there, or the tunnel of a request. */
  readonly whenConnected: boolean;
}

/** One line, at the end. */
export const AT_END: LogTiming = { intervalMs: 0, atStart: false, whenConnected: false };

export const HTTP_LOG_OPTIONS_SHAPE = shape(HttpConnectionManager_HcmAccessLogOptionsSchema, [
  "access_log_flush_interval",
  "flush_access_log_on_new_request",
  "flush_log_on_tunnel_successfully_established",
]);

export const TCP_LOG_OPTIONS_SHAPE = shape(TcpProxy_TcpAccessLogOptionsSchema, [
  "access_log_flush_interval",
  "flush_access_log_on_connected",
  "flush_access_log_on_start",
]);

/** Errors: an interval below 1 ms; a field of its own beside `access_log_options`. Source: Envoy 1.40. */
export function decodeHttpLogTiming(message: HttpConnectionManager, scope: DecodeScope): LogTiming {
  const { accessLogOptions: options, accessLogFlushInterval, flushAccessLogOnNewRequest } = message;
  const own = [
    ...(accessLogFlushInterval === undefined ? [] : ["access_log_flush_interval"]),
    ...(flushAccessLogOnNewRequest ? ["flush_access_log_on_new_request"] : []),
  ];
  if (options === undefined)
    return timing(message, interval(accessLogFlushInterval, scope), flushAccessLogOnNewRequest, false);
  refuseBoth(own, scope);
  return timing(
    message,
    interval(options.accessLogFlushInterval, scope.field("access_log_options")),
    options.flushAccessLogOnNewRequest,
    options.flushLogOnTunnelSuccessfullyEstablished,
  );
}

/** Errors as for HTTP. */
export function decodeTcpLogTiming(message: TcpProxy, scope: DecodeScope): LogTiming {
  const { accessLogOptions: options, accessLogFlushInterval, flushAccessLogOnConnected } = message;
  const own = [
    ...(accessLogFlushInterval === undefined ? [] : ["access_log_flush_interval"]),
    ...(flushAccessLogOnConnected ? ["flush_access_log_on_connected"] : []),
  ];
  if (options === undefined)
    return timing(message, interval(accessLogFlushInterval, scope), false, flushAccessLogOnConnected);
  refuseBoth(own, scope);
  return timing(
    message,
    interval(options.accessLogFlushInterval, scope.field("access_log_options")),
    options.flushAccessLogOnStart,
    options.flushAccessLogOnConnected,
  );
}

/** `AT_END` itself where nothing else is wanted, so that it is recognized. */
function timing(
  { accessLog }: { readonly accessLog: readonly unknown[] },
  intervalMs: number,
  atStart: boolean,
  whenConnected: boolean,
): LogTiming {
  const wanted = accessLog.length > 0 && (intervalMs > 0 || atStart || whenConnected);
  return wanted ? { intervalMs, atStart, whenConnected } : AT_END;
}

function interval(value: ProtoDurationField | undefined, scope: DecodeScope): number {
  const at = scope.field("access_log_flush_interval");
  const ms = decodeDuration(value, at);
  if (ms === undefined) return 0;
  if (ms < 1) at.problem("the interval between two lines must be 1 ms at least");
  return ms;
}

function refuseBoth(fields: readonly string[], scope: DecodeScope): void {
  for (const field of fields)
    scope.field(field).problem("stands beside access_log_options; say it there, and leave this one out");
}
