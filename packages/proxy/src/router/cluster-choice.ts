// Hot path: once per request.
import type { RequestHead } from "@heddle/wire";
import type { ClusterChoice, WeightedClusterConfig } from "../config/route-action.ts";

/** The cluster that a route chooses for a request; undefined when its header names none. */
export function chooseCluster(choice: ClusterChoice, request: RequestHead, random: () => number): string | undefined {
  switch (choice.kind) {
    case "cluster":
      return choice.cluster;
    case "header":
      return request.headers.get(choice.name);
    case "weighted":
      return chooseWeighted(choice.clusters, choice.total, random).cluster;
  }
}

/** One member of a weighted list; `random` in [0, 1). */
export function chooseWeighted(
  clusters: readonly WeightedClusterConfig[],
  total: number,
  random: () => number,
): WeightedClusterConfig {
  let point = random() * total;
  for (let i = 0; i < clusters.length; i++) {
    const item = clusters[i];
    if (item === undefined) break;
    point -= item.weight;
    if (point < 0) return item;
  }
  const last = clusters[clusters.length - 1];
  if (last === undefined) throw new Error("a weighted list without members was decoded");
  return last;
}
