import type { TrafficFailureCode } from "../rescue.ts";
import type { HttpManagerCounters } from "./manager-counters.ts";

/** Counts what ended a request before its upstream could. */
export function countFailure(counters: HttpManagerCounters, code: TrafficFailureCode): void {
  switch (code) {
    case "stream-idle":
      counters.streamIdleTimeouts++;
      return;
    case "request-timeout":
      counters.requestTimeouts++;
      return;
    case "max-duration":
      counters.streamMaxDuration++;
      return;
    case "path-refused":
      counters.refusedPaths++;
      return;
    case "path-redirected":
      counters.redirectedPaths++;
      return;
    case "upgrade-refused":
      counters.refusedUpgrades++;
      return;
    default:
      return;
  }
}
