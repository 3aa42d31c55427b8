import { durationMs, toProtoDuration } from "@heddle/std";

/** Milliseconds as a protobuf duration. */
export function protoDuration(ms: number): { seconds: bigint; nanos: number } {
  return toProtoDuration(durationMs(ms));
}

/** In Envoy a duration of zero switches most timeouts off. */
export const noTimeout: { seconds: bigint; nanos: number } = { seconds: 0n, nanos: 0 };
