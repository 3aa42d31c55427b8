import { type KeepaliveSettings, KeepaliveSettingsSchema } from "@heddle/xds-api/envoy/config/core/v3/protocol";
import { decodeDuration, type ProtoDurationField } from "./duration-field.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** When an HTTP/2 peer is asked for signs of life. Source: Envoy `KeepaliveSettings`. */
export interface KeepAlivePings {
  /** From one PING to the next. 0: none by time. Units: ms. */
  readonly intervalMs: number;
  /** The connection closes when an answer takes longer. Units: ms. */
  readonly timeoutMs: number;
  /** Greatest share of the interval that is added to it. Default: 0.15. */
  readonly jitter: number;
  /** A new request on a connection that was quiet for longer has a PING before it. 0: none. Units: ms. */
  readonly idleMs: number;
}

export const KEEPALIVE_SHAPE = shape(KeepaliveSettingsSchema, [
  "interval",
  "timeout",
  "interval_jitter",
  "connection_idle_interval",
]);

/** Errors: a timeout that is missing, and times under 1 ms. */
export function decodeKeepAlive(
  message: KeepaliveSettings | undefined,
  scope: DecodeScope,
): KeepAlivePings | undefined {
  if (message === undefined) return undefined;
  checkShape(KEEPALIVE_SHAPE, message, scope);
  const positive = (name: string, value: ProtoDurationField | undefined): number => {
    const ms = decodeDuration(value, scope.field(name));
    if (ms !== undefined && ms < 1) scope.field(name).problem("at least 1 ms; leave it out for none");
    return ms ?? 0;
  };
  if (message.timeout === undefined) scope.field("timeout").problem("connection_keepalive needs a timeout, such as 5s");
  return {
    intervalMs: positive("interval", message.interval),
    timeoutMs: positive("timeout", message.timeout),
    jitter: (message.intervalJitter?.value ?? 15) / 100,
    idleMs: positive("connection_idle_interval", message.connectionIdleInterval),
  };
}
