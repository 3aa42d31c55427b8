import type { Connection } from "../transport/connection.ts";

/** Whole ms between two points. Undefined: one was not reached. */
export function elapsed(from: number, to: number): string | undefined {
  return from < 0 || to < 0 ? undefined : String(Math.trunc(to - from));
}

/** `START:END:PRECISION` between named points; those that are not known give nothing. Source: Envoy `COMMON_DURATION`. */
export function commonDuration(argument: string, at: (point: string) => number): string | undefined {
  const [from = "", to = "", precision = "ms"] = argument.split(":");
  const begin = at(from);
  const end = at(to);
  if (begin < 0 || end < begin) return undefined;
  return String(Math.trunc((end - begin) * (precision === "ns" ? 1e6 : precision === "us" ? 1000 : 1)));
}

/** When the connection to the server was made. Units: ms; -1: not known. */
export function connectPoint(upstream: Connection | undefined, point: string): number {
  const times = upstream?.times;
  if (times === undefined) return -1;
  switch (point) {
    case "US_CX_BEG":
      return times.dialledMs;
    case "US_CX_END":
      return times.connectedMs;
    case "US_HS_END":
      return times.securedMs;
    default:
      return -1;
  }
}
