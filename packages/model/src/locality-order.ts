import type { StringMap } from "@heddle/config";
import { type LocalityRequest, localityMatches } from "./locality-request.ts";
import { whereIs } from "./networks.ts";
import type { Endpoint, Locality } from "./workload.ts";

/** Endpoints of one locality that a client treats alike. */
export interface EndpointGroup {
  readonly locality: Locality;
  /** 0 is used first; the next one as far as that fails. */
  readonly priority: number;
  /** Share among the groups of one priority. Default: the sum of the endpoints' weights. */
  readonly weight: number | undefined;
  readonly endpoints: readonly Endpoint[];
}

/** Orders endpoints for clients of one place. Source: Istio pilot/pkg/networking/core/loadbalancer. */
export function orderByLocality(endpoints: readonly Endpoint[], request: LocalityRequest): readonly EndpointGroup[] {
  if (request.distribute !== undefined) return distributed(endpoints, request.distribute);
  const { priority: labels } = request;
  const rank =
    labels === undefined
      ? (endpoint: Endpoint) => distance(request, endpoint.locality)
      : (endpoint: Endpoint) => mismatch(labels, endpoint);
  const ranks = [...new Set(endpoints.map(rank))].sort((a, b) => a - b);
  // Envoy wants priorities without gaps.
  const groups = ranks.flatMap((wanted, priority) =>
    byLocality(endpoints.filter((endpoint) => rank(endpoint) === wanted)).map(([locality, members]) => ({
      locality,
      priority,
      weight: undefined,
      endpoints: members,
    })),
  );
  return groups;
}

/** 0: same subzone, 1: same zone, 2: same region, 3: the region to fail over to (or any other), 4: other regions. */
function distance({ locality: own, failover }: LocalityRequest, other: Locality): number {
  if (own.region === other.region) {
    if (own.zone !== other.zone) return 2;
    return own.subzone === other.subzone ? 0 : 1;
  }
  return failover === undefined || failover === other.region ? 3 : 4;
}

function mismatch(labels: readonly (readonly [string, string])[], endpoint: Endpoint): number {
  const first = labels.findIndex(([key, value]) => labelOf(endpoint, key) !== value);
  return first < 0 ? 0 : labels.length - first;
}

/** A label, where the topology is known even if nobody wrote the label. */
export function topologyLabel(
  key: string,
  of: { readonly locality: Locality; readonly network: string; readonly clusterId: string },
): string | undefined {
  switch (key) {
    case "topology.kubernetes.io/region":
      return of.locality.region;
    case "topology.kubernetes.io/zone":
      return of.locality.zone;
    case "topology.istio.io/subzone":
      return of.locality.subzone;
    case "topology.istio.io/network":
      return of.network;
    case "topology.istio.io/cluster":
      return of.clusterId;
    default:
      return undefined;
  }
}

function labelOf(endpoint: Endpoint, key: string): string {
  return topologyLabel(key, { locality: endpoint.locality, ...whereIs(endpoint) }) ?? endpoint.labels[key] ?? "";
}

/** The endpoint's labels, and of its topology what is asked for, as in subsets by `topology.istio.io/cluster`. */
export function labelsWithTopology(endpoint: Endpoint, asked: StringMap): StringMap {
  const found = Object.keys(asked).map((key) => [key, labelOf(endpoint, key)] as const);
  return { ...endpoint.labels, ...Object.fromEntries(found.filter(([, value]) => value !== "")) };
}

function distributed(
  endpoints: readonly Endpoint[],
  shares: Readonly<Record<string, number>>,
): readonly EndpointGroup[] {
  const groups = byLocality(endpoints);
  const taken = new Set<Locality>();
  return Object.entries(shares).flatMap(([pattern, share]) => {
    const matching = groups.filter(([locality]) => !taken.has(locality) && localityMatches(pattern, locality));
    for (const [locality] of matching) taken.add(locality);
    const total = matching.reduce((sum, [, members]) => sum + members.length, 0);
    if (share === 0) return [];
    // A pattern over several localities shares its part by their endpoints.
    return matching.map(([locality, members]) => ({
      locality,
      priority: 0,
      weight: Math.max(1, Math.round((share * members.length) / total)),
      endpoints: members,
    }));
  });
}

/** Groups in the order in which their first endpoint stands. */
export function byLocality(endpoints: readonly Endpoint[]): readonly (readonly [Locality, readonly Endpoint[]])[] {
  const groups = new Map<string, [Locality, Endpoint[]]>();
  for (const endpoint of endpoints) {
    const { region, zone, subzone } = endpoint.locality;
    const key = `${region}/${zone}/${subzone}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [endpoint.locality, [endpoint]]);
    else group[1].push(endpoint);
  }
  return [...groups.values()];
}
