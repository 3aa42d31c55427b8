import type { MeshConfig, MeshNetworks } from "@heddle/config";
import {
  type KubeClient,
  type KubeObject,
  REMOTE_SECRET_LABEL,
  readRemoteSecrets,
  type Watch,
} from "@heddle/kube-client";
import type { RemoteRegistry } from "@heddle/model";
import type { Clock, Logger } from "@heddle/std";
import type { MeshUpdate } from "../mesh/mesh-feed.ts";
import { createRemoteCluster, type RemoteCluster, type RemoteClusterStatus } from "./remote-cluster.ts";

export interface RemoteClustersOptions {
  readonly kube: Pick<KubeClient, "watch">;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly userAgent: string;
  /** Where the Secrets are, and the mesh in every cluster. */
  readonly namespace: string;
  readonly clusterId: string;
  readonly domain: string;
  readonly debounceAfterMs: number;
  readonly debounceMaxMs: number;
  readonly timeoutMs: number;
  /** How often each is asked whether it is there. Units: ms. Default: 10 s. */
  readonly probeMs?: number;
  /** A registry came, changed or went. */
  onUpdate(update: Pick<MeshUpdate, "change" | "sinceMs" | "waitedMs">): void;
  onTimeout(id: string): void;
  /** Listing or watching a cluster failed; it goes on trying. */
  onSyncError?(id: string): void;
  /** A Secret came, changed or went. */
  onSecret?(event: "add" | "update" | "delete"): void;
}

/** The other clusters of the mesh, as Secrets name them. None of them holds up another. */
export interface RemoteClusters {
  start(): void;
  /** What is known of the clusters that were in sync at least once. */
  readonly registries: readonly RemoteRegistry[];
  readonly statuses: readonly RemoteClusterStatus[];
  /** The one of this name, as a Secret has it now; undefined: there is none. */
  find(id: string): RemoteCluster | undefined;
  /** Those that were in sync at least once and are what they say. */
  readonly served: readonly { readonly id: string; readonly cluster: RemoteCluster }[];
  /** Resolves when every cluster was heard of, or the time for it is over. Units: ms. */
  settled(timeoutMs: number): Promise<void>;
  useSettings(mesh: MeshConfig, networks: MeshNetworks | undefined): void;
  /** What the own cluster's `kube-system` is known by: a kubeconfig may lead back here. */
  useOwnUid(uid: string | undefined): void;
  close(): void;
}

/** Units: ms. */
const PROBE_MS = 10_000;

interface Held {
  readonly kubeconfig: string;
  readonly cluster: RemoteCluster;
  readonly domain: string;
  /** Serves until `cluster` is in sync: a new kubeconfig must not empty anything. */
  before: RemoteCluster | undefined;
}

class Clusters implements RemoteClusters {
  readonly #options: RemoteClustersOptions;
  readonly #secrets = new Map<string, KubeObject>();
  readonly #held = new Map<string, Held>();
  #refused: readonly RemoteClusterStatus[] = [];
  #watch: Watch | undefined;
  #listed = false;
  #settings: { readonly mesh: MeshConfig; readonly networks: MeshNetworks | undefined } | undefined;
  #ownUid: string | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: RemoteClustersOptions) {
    this.#options = options;
  }

  start(): void {
    const { kube, namespace, log } = this.#options;
    this.#watch = kube.watch(
      { group: "", version: "v1", resource: "secrets", namespace },
      {
        onEvent: ({ type, object }) => {
          const known = this.#secrets.has(object.metadata.name);
          this.#options.onSecret?.(type === "DELETED" ? "delete" : known ? "update" : "add");
          if (type === "DELETED") this.#secrets.delete(object.metadata.name);
          else this.#secrets.set(object.metadata.name, object);
          if (this.#listed) this.#reconcile();
        },
        onSync: () => {
          this.#listed = true;
          this.#reconcile();
          this.#settle();
        },
        onError: (error) => log.warn("watching remote Secrets failed", { reason: error.message }),
      },
      { labelSelector: REMOTE_SECRET_LABEL },
    );
  }

  get registries(): readonly RemoteRegistry[] {
    const found: RemoteRegistry[] = [];
    const uids = new Map<string, string>([[this.#ownUid ?? "", this.#options.clusterId]]);
    for (const [clusterId, held] of this.#sorted()) {
      const state = held.cluster.state ?? held.before?.state;
      if (state === undefined) continue;
      const uid = state.objects.namespaces.get("kube-system")?.meta.uid ?? "";
      if (uid !== "" && uids.has(uid)) continue;
      uids.set(uid, clusterId);
      found.push({ clusterId, state, domain: held.domain });
    }
    return found;
  }

  get statuses(): readonly RemoteClusterStatus[] {
    const served = new Map(this.registries.map(({ clusterId, state }) => [clusterId, state]));
    const statuses = this.#sorted().map(([id, held]): RemoteClusterStatus => {
      const status = toldStatus(held);
      if (held.cluster.state === undefined || served.has(id)) return status;
      const uid = held.cluster.state.objects.namespaces.get("kube-system")?.meta.uid;
      const twin =
        uid === this.#ownUid
          ? `cluster ${this.#options.clusterId}, where this control plane runs`
          : `cluster ${[...served].find(([, state]) => state.objects.namespaces.get("kube-system")?.meta.uid === uid)?.[0]}`;
      return {
        ...status,
        status: "refused",
        reason: `its kubeconfig leads to ${twin}: one cluster can't have two names; make the Secret with the kubeconfig of the right cluster (create-remote-secret --context OTHER --name ${id})`,
      };
    });
    return [...statuses, ...this.#refused];
  }

  find(id: string): RemoteCluster | undefined {
    return this.#held.get(id)?.cluster;
  }

  get served(): readonly { readonly id: string; readonly cluster: RemoteCluster }[] {
    return this.registries.flatMap(({ clusterId }) => {
      const held = this.#held.get(clusterId);
      const cluster = held?.cluster.state === undefined ? held?.before : held.cluster;
      return cluster === undefined ? [] : [{ id: clusterId, cluster }];
    });
  }

  settled(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(timeoutMs, resolve);
      this.#waiting.push(() => {
        timer.cancel();
        resolve();
      });
      this.#settle();
    });
  }

  useSettings(mesh: MeshConfig, networks: MeshNetworks | undefined): void {
    if (this.#settings?.mesh === mesh && this.#settings.networks === networks) return;
    this.#settings = { mesh, networks };
    for (const { cluster, before } of this.#held.values()) {
      cluster.useSettings(mesh, networks);
      before?.useSettings(mesh, networks);
    }
  }

  useOwnUid(uid: string | undefined): void {
    this.#ownUid = uid;
  }

  close(): void {
    this.#watch?.close();
    for (const { cluster, before } of this.#held.values()) {
      cluster.close();
      before?.close();
    }
    this.#held.clear();
  }

  #sorted(): readonly (readonly [string, Held])[] {
    return [...this.#held].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #reconcile(): void {
    const { log, clusterId } = this.#options;
    const { accepted, refused } = readRemoteSecrets([...this.#secrets.values()], clusterId);
    for (const { id, secret, reason } of refused)
      if (!this.#refused.some((known) => known.secret === secret && known.reason === reason))
        log.error("a remote Secret is refused", { cluster: id, secret, reason });
    this.#refused = refused.map((entry) => ({ ...entry, status: "refused", lastSyncMs: 0 }));
    for (const [id, held] of this.#held) {
      if (accepted.has(id)) continue;
      log.info("cluster left the mesh: its Secret is gone", { cluster: id });
      held.cluster.close();
      held.before?.close();
      this.#held.delete(id);
      this.#changed();
    }
    for (const [id, entry] of accepted) {
      const held = this.#held.get(id);
      const { kubeconfig, domain } = entry;
      if (held?.kubeconfig === kubeconfig) {
        if (held.domain === domain) continue;
        this.#held.set(id, { ...held, domain });
        this.#changed();
        continue;
      }
      // The one that was in sync goes on serving.
      const before = held?.cluster.state === undefined ? held?.before : held.cluster;
      for (const one of [held?.before, held?.cluster]) if (one !== before) one?.close();
      const cluster = this.#open(id, entry);
      this.#held.set(id, { kubeconfig, domain, cluster, before });
      cluster.start();
    }
  }

  #open(id: string, entry: { readonly secret: string; readonly kubeconfig: string }): RemoteCluster {
    const { clock, random, log, userAgent, domain, namespace, debounceAfterMs, debounceMaxMs, timeoutMs } =
      this.#options;
    const { probeMs = PROBE_MS } = this.#options;
    const cluster = createRemoteCluster({
      id,
      ...entry,
      clock,
      random,
      log: log.child(id),
      userAgent,
      domain,
      rootNamespace: namespace,
      debounceAfterMs,
      debounceMaxMs,
      timeoutMs,
      probeMs,
      onUpdate: (update) => {
        const held = this.#held.get(id);
        if (held?.cluster === cluster && held.before !== undefined) {
          held.before.close();
          held.before = undefined;
        }
        this.#options.onUpdate(update);
      },
      onStatus: () => {
        if (cluster.status.status === "timeout") this.#options.onTimeout(id);
        this.#settle();
      },
      onSyncError: () => this.#options.onSyncError?.(id),
    });
    if (this.#settings !== undefined) cluster.useSettings(this.#settings.mesh, this.#settings.networks);
    return cluster;
  }

  #changed(): void {
    const sinceMs = this.#options.clock.monotonic();
    this.#options.onUpdate({ change: { views: true, endpoints: [] }, sinceMs, waitedMs: 0 });
  }

  #settle(): void {
    if (!this.#listed) return;
    if ([...this.#held.values()].some(({ cluster }) => cluster.status.status === "syncing")) return;
    for (const done of this.#waiting.splice(0)) done();
  }
}

/** Whoever looks has to learn whether endpoints are missing, or merely old. */
function toldStatus({ cluster: { state, status }, before }: Held): RemoteClusterStatus {
  if (state !== undefined || status.status === "refused") return status;
  if (before?.state !== undefined) {
    const reason = status.reason === "" ? "" : `${status.reason}; its kubeconfig before this one serves until then`;
    return { ...status, reason, lastSyncMs: before.status.lastSyncMs };
  }
  const never = "never in sync since this control plane started: its endpoints get no traffic until it answers";
  return { ...status, reason: status.reason === "" ? never : `${never}; ${status.reason}` };
}

export function createRemoteClusters(options: RemoteClustersOptions): RemoteClusters {
  return new Clusters(options);
}
