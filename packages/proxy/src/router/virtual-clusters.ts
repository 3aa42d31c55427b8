import type { RequestHead } from "@heddle/wire";
import type { VirtualClusterConfig } from "../config/virtual-cluster.ts";
import type { RouteCounterSet, RouteCounters } from "../counters/route-counters.ts";
import { matchesHeader } from "./route-matcher.ts";

/** Groups of requests of a virtual host that are counted apart. Source: Envoy `virtual_clusters`. */
export interface VirtualClusters {
  /** The first group that takes the request, else the one for all others. */
  find(request: RequestHead): RouteCounters;
}

/** Undefined for hosts without such groups, whose requests pay nothing. */
export function createVirtualClusters(
  host: string,
  configs: readonly VirtualClusterConfig[],
  counters: RouteCounterSet,
): VirtualClusters | undefined {
  if (configs.length === 0) return undefined;
  const prefix = `vhost.${host}.vcluster`;
  const groups = configs.map(({ name, headers }) => ({ headers, counters: counters.get(`${prefix}.${name}`) }));
  const others = counters.get(`${prefix}.other`);
  return {
    find: (request) =>
      groups.find(({ headers }) => headers.every((match) => matchesHeader(match, request)))?.counters ?? others,
  };
}
