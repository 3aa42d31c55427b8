import { type DurationMs, durationMs } from "@heddle/std";

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);
const UNITS: readonly (readonly [string, number])[] = [
  ["n", 1e-6],
  ["u", 1e-3],
  ["m", 1],
  ["S", 1000],
  ["M", 60_000],
  ["H", 3_600_000],
];
const LARGEST = 99_999_999;

/** Reads a `grpc-timeout` value; undefined when it is malformed. Source: gRPC over HTTP/2, "Timeout". */
export function parseGrpcTimeout(text: string): DurationMs | undefined {
  const unit = UNIT_MS.get(text.slice(-1));
  const digits = text.slice(0, -1);
  if (unit === undefined || !/^\d{1,8}$/.test(digits)) return undefined;
  return durationMs(Number(digits) * unit);
}

/** Writes a `grpc-timeout` value in the finest unit that has room for it, rounded up. */
export function formatGrpcTimeout(timeout: DurationMs): string {
  for (const [unit, ms] of UNITS) {
    const count = Math.ceil(Math.max(0, timeout) / ms);
    if (count <= LARGEST) return `${count}${unit}`;
  }
  return `${LARGEST}H`;
}
