import type { ClusterConfig } from "../config/cluster.ts";
import type { LoadAssignmentConfig } from "../config/endpoints.ts";
import { resetCounters } from "../counters/reset.ts";
import { type Cluster, createCluster, type UpstreamSurroundings, type ZonePlace } from "./cluster.ts";
import { CLUSTER_GAUGES } from "./counters.ts";
import { createDnsWatch, type DnsWatch, type ResolveHost } from "./dns-watch.ts";

/** All clusters of the proxy by name. */
export interface ClusterSet {
  get(name: string): Cluster | undefined;
  all(): Iterable<Cluster>;
  /** Adds or replaces; unchanged ones (same fingerprint) keep their connections. */
  set(config: ClusterConfig, fingerprint: string): void;
  remove(name: string): void;
  /** Endpoints of EDS clusters by service name; kept for clusters that come later. */
  setAssignment(assignment: LoadAssignmentConfig): void;
  removeAssignment(serviceName: string): void;
  /** Clusters that came, changed and went. */
  readonly added: number;
  readonly modified: number;
  readonly removed: number;
  /** Sets the counters of all clusters back to zero. */
  resetCounters(): void;
  /** Brings byte counts up to date. */
  countBytes(): void;
  close(): void;
}

interface Entry {
  readonly cluster: Cluster;
  readonly fingerprint: string;
  readonly dns: DnsWatch | undefined;
}

class NamedClusters implements ClusterSet {
  readonly #around: UpstreamSurroundings;
  readonly #resolve: ResolveHost;
  readonly #entries = new Map<string, Entry>();
  readonly #assignments = new Map<string, LoadAssignmentConfig>();

  added = 0;
  modified = 0;
  removed = 0;

  constructor(around: UpstreamSurroundings, resolve: ResolveHost, place: ZonePlace | undefined) {
    const zone = place && { ...place, hosts: () => this.get(place.cluster)?.hosts ?? [], changed: () => this.#zones() };
    this.#around = zone === undefined ? around : { ...around, zone };
    this.#resolve = resolve;
  }

  resetCounters(): void {
    this.added = 0;
    this.modified = 0;
    this.removed = 0;
    for (const { cluster } of this.#entries.values()) {
      resetCounters(cluster.counters, CLUSTER_GAUGES);
      cluster.outlier?.resetCounters();
    }
  }

  countBytes(): void {
    for (const { cluster } of this.#entries.values())
      for (const host of cluster.hosts) for (const pool of host.pools) pool.countBytes();
  }

  get(name: string): Cluster | undefined {
    return this.#entries.get(name)?.cluster;
  }

  *all(): Iterable<Cluster> {
    for (const entry of this.#entries.values()) yield entry.cluster;
  }

  set(config: ClusterConfig, fingerprint: string): void {
    const old = this.#entries.get(config.name);
    if (old?.fingerprint === fingerprint) return;
    const cluster = createCluster(config, this.#around, old?.cluster);
    const { discovery } = config;
    let dns: DnsWatch | undefined;
    if (discovery.kind === "eds") {
      const assignment = this.#assignments.get(discovery.serviceName);
      if (assignment !== undefined) cluster.setEndpoints(assignment);
    } else if (discovery.kind === "strict-dns" || discovery.kind === "logical-dns") {
      dns = createDnsWatch(
        config,
        discovery,
        this.#resolve,
        this.#around,
        (found) => cluster.setEndpoints(found),
        cluster.counters,
      );
      dns.start();
    }
    this.#entries.set(config.name, { cluster, fingerprint, dns });
    if (old === undefined) this.added++;
    else this.modified++;
    if (old !== undefined) retire(old);
    if (config.name === this.#around.zone?.cluster) this.#zones();
  }

  /** The proxies themselves are others now. */
  #zones(): void {
    for (const [name, { cluster }] of this.#entries) if (name !== this.#around.zone?.cluster) cluster.zonesChanged();
  }

  remove(name: string): void {
    const old = this.#entries.get(name);
    if (this.#entries.delete(name)) this.removed++;
    if (old !== undefined) retire(old);
    if (name === this.#around.zone?.cluster) this.#zones();
  }

  setAssignment(assignment: LoadAssignmentConfig): void {
    this.#assignments.set(assignment.cluster, assignment);
    for (const { cluster } of this.#entries.values()) {
      const { discovery } = cluster.config;
      if (discovery.kind !== "eds" || discovery.serviceName !== assignment.cluster) continue;
      cluster.counters.updateAttempts++;
      cluster.counters.updateSuccesses++;
      cluster.setEndpoints(assignment);
    }
  }

  removeAssignment(serviceName: string): void {
    this.#assignments.delete(serviceName);
    for (const { cluster } of this.#entries.values()) {
      const { discovery } = cluster.config;
      if (discovery.kind === "eds" && discovery.serviceName === serviceName)
        cluster.setEndpoints({ cluster: serviceName, localities: [], overprovisioning: 140 });
    }
  }

  close(): void {
    for (const entry of this.#entries.values()) retire(entry);
    this.#entries.clear();
  }
}

function retire(entry: Entry): void {
  entry.dns?.close();
  entry.cluster.drain();
}

/** `place`: where this proxy stands among others; undefined: zones don't count. */
export function createClusterSet(around: UpstreamSurroundings, resolve: ResolveHost, place?: ZonePlace): ClusterSet {
  return new NamedClusters(around, resolve, place);
}
