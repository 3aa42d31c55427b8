import { type ClusterLocalTest, clusterLocalTest } from "./cluster-local.ts";
import { contentHash } from "./hash.ts";
import { clusterNetwork, networkGateways, type ResolvedNames } from "./networks.ts";
import { plainPortTest } from "./peer-authentication.ts";
import type { MeshService } from "./service.ts";
import type { MeshState, ServiceEndpoints } from "./state.ts";
import type { Endpoint } from "./workload.ts";

/** What a registry of another cluster holds: Services, endpoints, pods, namespaces and nodes; no configuration. */
export interface RemoteRegistry {
  readonly clusterId: string;
  readonly state: MeshState;
  /** Suffix of the cluster's own names. Default: the same as here. */
  readonly domain?: string;
}

export interface MergedClusters {
  /** The local state, with what the others add. The very same where they add nothing. */
  readonly state: MeshState;
  /** Services, or the ways to networks, differ from the merge before. */
  readonly views: boolean;
  /** Hostnames whose endpoints differ from the merge before. */
  readonly endpoints: readonly string[];
  /** Endpoints that were left out, a sentence for each pair of clusters. */
  readonly collisions: ReadonlyMap<string, string>;
}

/** Makes one mesh of several clusters; keeps what it made, so that what did not change stays the same object. */
export interface ClusterMerge {
  /** @param resolved is asked for each gateway that has a name instead of an address. */
  next(local: MeshState, remotes: readonly RemoteRegistry[], resolved?: ResolvedNames): MergedClusters;
}

interface Kept<T> {
  readonly parts: readonly unknown[];
  readonly value: T;
}

/** What all endpoints of one merge have in common. */
interface Round {
  readonly isPlain: ReturnType<typeof plainPortTest>;
  readonly isLocal: ClusterLocalTest;
  readonly refused: ReadonlySet<string>;
  /** Content of what endpoints are combined with: another one makes them all new. */
  readonly key: string;
}

class Merge implements ClusterMerge {
  #services = new Map<string, Kept<MeshService>>();
  #endpoints = new Map<string, Kept<ServiceEndpoints>>();
  #merged: MeshState | undefined;
  #gatewaysHash = "";

  next(local: MeshState, remotes: readonly RemoteRegistry[], resolved?: ResolvedNames): MergedClusters {
    const states = [local, ...remotes.map(({ state }) => state)];
    const gateways = networkGateways(states, local.settings, resolved);
    if (remotes.length === 0 && gateways.size === 0) return this.#settle(local, new Map(), "");
    const { refused, collisions } = findCollisions(local, remotes);
    const domains = new Set(remotes.map(({ domain }) => domain ?? local.settings.domain));
    domains.delete(local.settings.domain);
    const otherDomains = [...domains].sort();
    const gatewaysHash = contentHash([[...gateways], local.settings.mesh.serviceSettings, otherDomains]);
    const policies = [...local.objects.peerAuthentications.values()];
    const round: Round = {
      isPlain: plainPortTest(local.objects.peerAuthentications, local.settings.rootNamespace),
      isLocal: clusterLocalTest(local.settings),
      refused,
      key: contentHash([gatewaysHash, policies, [...refused]]),
    };
    const services = new Map<string, Kept<MeshService>>();
    const endpoints = new Map<string, Kept<ServiceEndpoints>>();
    const hostnames = new Set(states.flatMap((state) => [...state.services.keys()]));
    for (const hostname of hostnames) {
      const own = local.services.get(hostname);
      // What a ServiceEntry says about a name holds for all clusters.
      const others = own !== undefined && own.source.kind !== "Service" ? [] : remotes;
      services.set(hostname, this.#service(hostname, local, others));
      endpoints.set(hostname, this.#endpointsOf(hostname, local, others, round));
    }
    this.#services = services;
    this.#endpoints = endpoints;
    const before = this.#merged;
    const state: MeshState = {
      ...local,
      settings: otherDomains.length === 0 ? local.settings : { ...local.settings, otherDomains },
      services: valuesOf(services, before?.services),
      endpoints: valuesOf(endpoints, before?.endpoints),
      gateways,
      remotes: new Map(remotes.map(({ clusterId, state: remote }) => [clusterId, remote])),
      multicluster: true,
    };
    return this.#settle(state, collisions, gatewaysHash);
  }

  #settle(state: MeshState, collisions: ReadonlyMap<string, string>, gatewaysHash: string): MergedClusters {
    const before = this.#merged;
    const views =
      before !== undefined &&
      (before.services !== state.services ||
        before.multicluster !== state.multicluster ||
        this.#gatewaysHash !== gatewaysHash);
    this.#merged = state;
    this.#gatewaysHash = gatewaysHash;
    const changed: string[] = [];
    if (before !== undefined && before.endpoints !== state.endpoints)
      for (const [host, found] of state.endpoints) if (before.endpoints.get(host) !== found) changed.push(host);
    return { state, views, endpoints: changed, collisions };
  }

  #service(hostname: string, local: MeshState, remotes: readonly RemoteRegistry[]): Kept<MeshService> {
    const own = local.services.get(hostname);
    const others = remotes.flatMap(({ clusterId, state }) => {
      const service = state.services.get(hostname);
      return service === undefined ? [] : [{ clusterId, service }];
    });
    const parts = [own, ...others.map(({ service }) => service)];
    const kept = this.#services.get(hostname);
    if (kept !== undefined && sameParts(kept.parts, parts)) return kept;
    return { parts, value: mergedService(own, others) };
  }

  #endpointsOf(
    hostname: string,
    local: MeshState,
    remotes: readonly RemoteRegistry[],
    round: Round,
  ): Kept<ServiceEndpoints> {
    const own = local.endpoints.get(hostname);
    const { rootNamespace } = local.settings;
    const parts: unknown[] = [round.key, own];
    for (const { state } of remotes) parts.push(state.endpoints.get(hostname), clusterNetwork(state, rootNamespace));
    const kept = this.#endpoints.get(hostname);
    if (kept !== undefined && sameParts(kept.parts, parts)) return kept;
    const ports = new Map<number, readonly Endpoint[]>(own?.ports);
    for (const { clusterId, state } of remotes) {
      const network = clusterNetwork(state, rootNamespace);
      for (const [port, list] of state.endpoints.get(hostname)?.ports ?? []) {
        const added = list.flatMap((endpoint) => adopted(endpoint, { network, clusterId }, round));
        ports.set(port, [...(ports.get(port) ?? []), ...added]);
      }
    }
    return { parts, value: { hash: contentHash([round.key, [...ports]]), ports } };
  }
}

/** An endpoint of another cluster under this one's policies. */
function adopted(
  endpoint: Endpoint,
  registry: { readonly network: string; readonly clusterId: string },
  round: Round,
): readonly Endpoint[] {
  const { workload } = endpoint;
  if (round.refused.has(`${registry.clusterId} ${endpoint.address}`)) return [];
  if (workload === undefined) return [{ ...endpoint, registry }];
  return [{ ...endpoint, meshed: endpoint.meshed && !round.isPlain(workload, endpoint.port) }];
}

/** Namespace sameness: Services of one name are one service. The local one says what it is like. */
function mergedService(
  own: MeshService | undefined,
  others: readonly { readonly clusterId: string; readonly service: MeshService }[],
): MeshService {
  const base = own ?? others[0]?.service;
  if (base === undefined) throw new Error("a service without any cluster");
  if (others.length === 0) return base;
  const identities = [...new Set([own, ...others.map(({ service }) => service)].flatMap((s) => s?.identities ?? []))];
  return {
    ...base,
    // Addresses of another cluster may mean something else here.
    addresses: own?.addresses ?? [],
    identities: identities.sort(),
    addressesOf: Object.fromEntries(others.map(({ clusterId, service }) => [clusterId, service.addresses])),
  };
}

/** Two pods with one address that no gateway keeps apart: nobody could tell which one answers. The local one stays. */
function findCollisions(
  local: MeshState,
  remotes: readonly RemoteRegistry[],
): { readonly refused: ReadonlySet<string>; readonly collisions: ReadonlyMap<string, string> } {
  const refused = new Set<string>();
  const collisions = new Map<string, string>();
  const before: RemoteRegistry[] = [{ clusterId: local.settings.clusterId, state: local }];
  for (const remote of remotes) {
    const counts = new Map<string, number>();
    for (const [ip, workload] of remote.state.workloads) {
      const holder = before.find(({ state }) => state.workloads.get(ip)?.network === workload.network);
      if (holder === undefined) continue;
      refused.add(`${remote.clusterId} ${ip}`);
      const count = (counts.get(holder.clusterId) ?? 0) + 1;
      counts.set(holder.clusterId, count);
      const other = holder.state.workloads.get(ip);
      const network = workload.network === "" ? "neither says its network" : `both are on network ${workload.network}`;
      if (count === 1)
        collisions.set(
          remote.clusterId,
          `address ${ip} of pod ${workload.namespace}/${workload.name} in cluster ${remote.clusterId} is that of ${other?.namespace}/${other?.name} in cluster ${holder.clusterId}, and ${network}: it gets no traffic from here; give the clusters pod CIDRs that differ, or label namespace istio-system of each with its own topology.istio.io/network`,
        );
    }
    before.push(remote);
  }
  return { refused, collisions };
}

function sameParts(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

/** The same map as before when nothing in it differs. */
function valuesOf<T>(kept: ReadonlyMap<string, Kept<T>>, before: ReadonlyMap<string, T> | undefined) {
  const same = before?.size === kept.size && [...kept].every(([key, { value }]) => before.get(key) === value);
  if (same && before !== undefined) return before;
  return new Map([...kept].map(([key, { value }]) => [key, value]));
}

export function createClusterMerge(): ClusterMerge {
  return new Merge();
}
