import { chooseCluster } from "../router/cluster-choice.ts";
import type { FilterCall, FilterSurroundings } from "./http-filter.ts";

/** Counts under the cluster that a request goes to, as Envoy does for what decides over requests from outside. */
export function countForCluster(call: FilterCall, around: FilterSurroundings, name: string): void {
  const action = call.exchange.route?.route.action;
  if (action?.kind !== "forward") return;
  const target = chooseCluster(action.choice, call.request, around.random);
  const counts = target === undefined ? undefined : around.clusters.get(target)?.counters.named;
  counts?.set(name, (counts.get(name) ?? 0) + 1);
}
