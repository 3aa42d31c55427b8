import { endpointsFor, type MeshState, parseClusterName, type ServiceEndpoints } from "@heddle/model";
import { translateEndpoints } from "@heddle/translate";
import type { EncodedResource, ResourceSet } from "@heddle/xds";
import { ClusterLoadAssignmentSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import { encodeResource } from "./encode.ts";

/** Makes the endpoint sets of successive states; clusters are encoded when first asked for and kept while they don't change. */
export interface EndpointSets {
  /** @param changedHosts Hostnames whose endpoints differ from the state before. */
  next(state: MeshState, changedHosts: readonly string[]): ResourceSet;
}

/** Clients that are further behind compare everything. */
const rememberedChanges = 64;

type Encoded = WeakMap<ServiceEndpoints, Map<string, EncodedResource>>;

class Sets implements EndpointSets {
  /** Encoded clusters of a service's endpoints; they live as long as any state that holds these endpoints. */
  #kept: Encoded = new WeakMap();
  /** The same of subsets: which endpoints are in them, DestinationRules say. */
  #keptSubsets: Encoded = new WeakMap();
  /** Cluster names that were asked for, by hostname. */
  readonly #clusters = new Map<string, Set<string>>();
  /** The same the other way round: every proxy asks for every name. */
  readonly #hostnames = new Map<string, string>();
  /** Undefined: any cluster may have changed. */
  readonly #changes: (readonly string[] | undefined)[] = [];
  #sequence = 0;
  #state: MeshState | undefined;

  next(state: MeshState, changedHosts: readonly string[]): ResourceSet {
    const last = this.#state;
    const sameSettings = last?.settings === state.settings;
    const sameRules = sameSettings && last?.objects.destinationRules === state.objects.destinationRules;
    const sameServices = last?.services === state.services;
    this.#state = state;
    if (!sameSettings) this.#kept = new WeakMap();
    if (!sameRules) this.#keptSubsets = new WeakMap();
    if (!sameServices) this.#forgetGone(state);
    this.#sequence++;
    this.#changes.push(sameRules && sameServices ? changedHosts : undefined);
    if (this.#changes.length > rememberedChanges) this.#changes.shift();
    return new EndpointSet(this, state, this.#sequence);
  }

  get(state: MeshState, cluster: string): EncodedResource | undefined {
    const hostname = this.#hostnameOf(cluster);
    if (hostname === undefined || !state.services.has(hostname)) return undefined;
    const source = state.endpoints.get(hostname);
    // A service without endpoints so far: an empty assignment, cheap to make.
    const all = cluster.includes("||") ? this.#kept : this.#keptSubsets;
    const kept = source === undefined ? undefined : (all.get(source) ?? new Map<string, EncodedResource>());
    const known = kept?.get(cluster);
    if (known !== undefined) return known;
    const view = endpointsFor(state, cluster);
    if (view === undefined) return undefined;
    const resource = encodeResource(ClusterLoadAssignmentSchema, cluster, translateEndpoints(view));
    if (source !== undefined && kept !== undefined) all.set(source, kept.set(cluster, resource));
    const names = this.#clusters.get(hostname);
    if (names === undefined) this.#clusters.set(hostname, new Set([cluster]));
    else names.add(cluster);
    this.#hostnames.set(cluster, hostname);
    return resource;
  }

  #hostnameOf(cluster: string): string | undefined {
    return this.#hostnames.get(cluster) ?? parseClusterName(cluster)?.hostname;
  }

  /** Cluster names whose endpoints may have changed after the set with this sequence number. */
  changedAfter(sequence: number, until: number): readonly string[] | undefined {
    const first = this.#sequence - this.#changes.length + 1;
    if (sequence + 1 < first) return undefined;
    const names: string[] = [];
    for (let number = sequence + 1; number <= until; number++) {
      const hosts = this.#changes[number - first];
      if (hosts === undefined) return undefined;
      for (const host of hosts) names.push(...(this.#clusters.get(host) ?? []));
    }
    return names;
  }

  #forgetGone(state: MeshState): void {
    for (const [hostname, clusters] of this.#clusters) {
      if (state.services.has(hostname)) continue;
      this.#clusters.delete(hostname);
      for (const cluster of clusters) this.#hostnames.delete(cluster);
    }
  }
}

class EndpointSet implements ResourceSet {
  readonly version: string;
  readonly sequence: number;
  readonly #sets: Sets;
  readonly #state: MeshState;

  constructor(sets: Sets, state: MeshState, sequence: number) {
    this.#sets = sets;
    this.#state = state;
    this.sequence = sequence;
    this.version = String(sequence);
  }

  get(name: string): EncodedResource | undefined {
    return this.#sets.get(this.#state, name);
  }

  *names(): Iterable<string> {
    for (const service of this.#state.services.values()) {
      for (const port of service.ports) yield `outbound|${port.number}||${service.hostname}`;
    }
  }

  changedSince(previous: ResourceSet): Iterable<string> | undefined {
    return previous instanceof EndpointSet ? this.#sets.changedAfter(previous.sequence, this.sequence) : undefined;
  }
}

export function createEndpointSets(): EndpointSets {
  return new Sets();
}
