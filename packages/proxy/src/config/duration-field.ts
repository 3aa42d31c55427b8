import { type DurationMs, durationMs } from "@heddle/std";
import type { DecodeScope } from "./scope.ts";

/** What a decoded `google.protobuf.Duration` looks like. */
export interface ProtoDurationField {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Undefined stays undefined. Errors: negative durations. */
export function decodeDuration(value: ProtoDurationField | undefined, scope: DecodeScope): DurationMs | undefined {
  if (value === undefined) return undefined;
  const ms = Number(value.seconds) * 1000 + value.nanos / 1e6;
  if (ms < 0) {
    scope.problem("a duration here must not be negative");
    return undefined;
  }
  return durationMs(ms);
}
