import type { EnvoyStat } from "./stat.ts";

/** Gauges that are written from the start. Source: `/stats?usedonly` of a fresh Envoy 1.40. */
const ALWAYS =
  /\.(membership_\w+|warming_state|connected_state|health_check\.healthy|remaining_\w+)$|^(server|overload|cluster_manager)\.|^runtime\.num_/;

/** Counters that tell that a gauge was written, where they are not called `_total` as it is called `_active`. */
const TOLD_BY: readonly (readonly [gauge: RegExp, counter: string])[] = [
  [/circuit_breakers\.default\.cx_open$/, "upstream_cx_total"],
  [/circuit_breakers\.default\.rq_open$/, "upstream_rq_total"],
  [/circuit_breakers\.default\.rq_pending_open$/, "upstream_rq_pending_total"],
  [/circuit_breakers\.default\.rq_retry_open$/, "upstream_rq_retry"],
  [/downstream_pre_cx_active$/, "downstream_cx_total"],
];

/** Whether a statistic was ever written, also where it is zero again. Source: Envoy's `usedonly`, for which a gauge that was set to zero is used. */
export function usedStats(stats: readonly EnvoyStat[]): (stat: EnvoyStat) => boolean {
  const values = new Map(stats.map(({ name, value }) => [name, value]));
  return ({ name, kind, value }) => {
    if (value !== 0) return true;
    if (kind !== "gauge") return false;
    if (ALWAYS.test(name)) return true;
    const told = TOLD_BY.find(([gauge]) => gauge.test(name));
    const counter = told === undefined ? name.replace(/_active$/, "_total") : name.replace(told[0], told[1]);
    return counter !== name && (values.get(counter) ?? 0) > 0;
  };
}
