// Hot path: once per request.
import type { RequestHead } from "@heddle/wire";
import type { ClusterChoice, WeightedChoice, WeightedClusterConfig } from "../config/route-action.ts";

/** The cluster that a route chooses for a request; undefined when its header names none. */
export function chooseCluster(choice: ClusterChoice, request: RequestHead, random: () => number): string | undefined {
  switch (choice.kind) {
    case "cluster":
      return choice.cluster;
    case "header":
      return request.headers.get(choice.name);
    case "weighted": {
      const item = chooseWeighted(choice, request, random);
      return item.clusterHeader === "" ? item.cluster : request.headers.get(item.clusterHeader);
    }
  }
}

/** One member of a weighted list; `random` in [0, 1). */
export function chooseWeighted(
  choice: WeightedChoice,
  request: RequestHead,
  random: () => number,
): WeightedClusterConfig {
  const { clusters, total, randomHeader } = choice;
  let point = (randomHeader === "" ? undefined : headerPoint(request, randomHeader, total)) ?? random() * total;
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

/** Where the number of a header falls among the weights; undefined when there is none. Source: Envoy `header_name`. */
function headerPoint(request: RequestHead, name: string, total: number): number | undefined {
  const text = request.headers.get(name);
  return text === undefined || !/^\d{1,20}$/.test(text) ? undefined : Number(BigInt(text) % BigInt(total));
}
