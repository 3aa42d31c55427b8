import type { Brand } from "./brand.ts";
import { err, ok, type Result } from "./result.ts";

/** A length of time. Units: ms, fractions allowed. */
export type DurationMs = Brand<number, "DurationMs">;

/** Says that a number of milliseconds is a duration. */
export function durationMs(ms: number): DurationMs {
  return ms as DurationMs;
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3],
  ["μs", 1e-3],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/**
 * Reads a Go duration: `300ms`, `-1.5h`, `2h45m`, `0`.
 * Errors: a sentence that quotes the text. Source: Go `time.ParseDuration`.
 */
export function parseGoDuration(text: string): Result<DurationMs> {
  const bad = () => err(`"${text}" is not a duration; write a number with a unit, such as 300ms, 1.5s or 2h45m`);
  const negative = text.startsWith("-");
  const body = negative || text.startsWith("+") ? text.slice(1) : text;
  if (body === "0") return ok(durationMs(0));
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let total = 0;
  let end = 0;
  while (end < body.length) {
    part.lastIndex = end;
    const m = part.exec(body);
    const unit = UNIT_MS.get(m?.[2] ?? "");
    if (m === null || unit === undefined) return bad();
    total += Number(m[1]) * unit;
    end = part.lastIndex;
  }
  if (end === 0) return bad();
  return ok(durationMs(negative ? -total : total));
}

/** Writes a Go duration as Go itself does: `1h0m0s`, `1.5s`, `300ms`, `0s`. Source: Go `Duration.String`. */
export function formatGoDuration(duration: DurationMs): string {
  const ns = Math.round(Math.abs(duration) * 1e6);
  const sign = duration < 0 && ns > 0 ? "-" : "";
  if (ns === 0) return "0s";
  if (ns < 1e3) return `${sign}${ns}ns`;
  if (ns < 1e6) return `${sign}${ns / 1e3}µs`;
  if (ns < 1e9) return `${sign}${ns / 1e6}ms`;
  const hours = Math.floor(ns / 3.6e12);
  const minutes = Math.floor((ns % 3.6e12) / 6e10);
  const seconds = `${decimal(Math.floor((ns % 6e10) / 1e9), ns % 1e9)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** A protobuf `google.protobuf.Duration` as decoders produce it. */
export interface ProtoDuration {
  readonly seconds: number | bigint | string;
  readonly nanos: number;
}

export function fromProtoDuration(value: ProtoDuration): DurationMs {
  return durationMs(Number(value.seconds) * 1000 + value.nanos / 1e6);
}

export function toProtoDuration(duration: DurationMs): { seconds: bigint; nanos: number } {
  const ns = Math.round(duration * 1e6);
  const seconds = Math.trunc(ns / 1e9);
  return { seconds: BigInt(seconds), nanos: ns - seconds * 1e9 };
}

/**
 * Reads protobuf's JSON form: decimal seconds with `s`, at most nine fraction digits.
 * Errors: a sentence that quotes the text. Source: protobuf JSON mapping, `Duration`.
 */
export function parseProtoDuration(text: string): Result<DurationMs> {
  const m = /^(-?\d+(?:\.\d{1,9})?)s$/.exec(text);
  if (m === null) return err(`"${text}" is not a protobuf duration; write decimal seconds, such as 1.5s`);
  return ok(durationMs(Number(m[1]) * 1000));
}

/** Writes protobuf's JSON form: `1.500s` is written `1.5s`. */
export function formatProtoDuration(duration: DurationMs): string {
  const ns = Math.round(Math.abs(duration) * 1e6);
  return `${duration < 0 && ns > 0 ? "-" : ""}${decimal(Math.floor(ns / 1e9), ns % 1e9)}s`;
}

function decimal(whole: number, nanos: number): string {
  if (nanos === 0) return String(whole);
  return `${whole}.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
}
