import { defaultMeshConfig, type MeshConfig, type MeshNetworks, type Meta } from "@heddle/config";
import { isKubeError, type KubeClient, kubeClientFor, secretAccess } from "@heddle/kube-client";
import type { MeshState } from "@heddle/model";
import { createKubernetesSource, registryKinds, type Source } from "@heddle/sources";
import type { Clock, Logger } from "@heddle/std";
import { createMeshFeed, type MeshFeed, type MeshUpdate } from "../mesh/mesh-feed.ts";
import { createSilenceProbe, type SilenceProbe } from "./silence-probe.ts";

/** How a cluster's registry stands. Source of the first three: istio pilot/pkg/features `/debug/clusterz`. */
export type SyncStatus = "synced" | "syncing" | "timeout" | "failing" | "refused";

export interface RemoteClusterStatus {
  readonly id: string;
  /** `namespace/name` of the Secret with its kubeconfig. */
  readonly secret: string;
  readonly status: SyncStatus;
  /** Why it is not `synced`, and what to do: a sentence. */
  readonly reason: string;
  /** When something of it was last known to be up to date; 0: never. Units: ms since the epoch. */
  readonly lastSyncMs: number;
}

export interface RemoteClusterOptions {
  readonly id: string;
  readonly secret: string;
  readonly kubeconfig: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly userAgent: string;
  readonly domain: string;
  readonly rootNamespace: string;
  readonly debounceAfterMs: number;
  readonly debounceMaxMs: number;
  /** After this long without a first listing it counts as timed out, and is still tried. Units: ms. */
  readonly timeoutMs: number;
  /** How often, once in sync, it is asked whether it is there. Units: ms. */
  readonly probeMs: number;
  onUpdate(update: MeshUpdate): void;
  onStatus(): void;
  /** Listing or watching failed; it goes on trying. */
  onSyncError(): void;
}

/** The registry of one other cluster. What was last known of it stays in force whatever becomes of its API server. */
export interface RemoteCluster {
  readonly status: RemoteClusterStatus;
  /** Undefined until the first listing is complete. */
  readonly state: MeshState | undefined;
  /** Its API server; undefined until the kubeconfig was read, or when it is refused. */
  readonly kube: KubeClient | undefined;
  /** A namespace as it was last heard of, without waiting for the next state. */
  namespaceOf(name: string): Meta | undefined;
  useSettings(mesh: MeshConfig, networks: MeshNetworks | undefined): void;
  start(): void;
  close(): void;
}

class Remote implements RemoteCluster {
  readonly #options: RemoteClusterOptions;
  readonly #feed: MeshFeed;
  #source: Source | undefined;
  #probe: SilenceProbe | undefined;
  /** What a watch complains of; "": nothing. */
  #trouble = "";
  #kube: KubeClient | undefined;
  #status: SyncStatus = "syncing";
  #reason = "";
  #lastSyncMs = 0;
  #closed = false;

  constructor(options: RemoteClusterOptions) {
    this.#options = options;
    const { clock, log, domain, id, rootNamespace, debounceAfterMs, debounceMaxMs } = options;
    this.#feed = createMeshFeed({
      clock,
      log,
      domain,
      clusterId: id,
      rootNamespace,
      debounceAfterMs,
      debounceMaxMs,
      sources: 1,
      mesh: defaultMeshConfig(),
      onUpdate: (update) => options.onUpdate(update),
    });
  }

  get status(): RemoteClusterStatus {
    const { id, secret } = this.#options;
    const lastSyncMs = this.#status === "synced" ? this.#options.clock.now() : this.#lastSyncMs;
    return { id, secret, status: this.#status, reason: this.#reason, lastSyncMs };
  }

  get state(): MeshState | undefined {
    return this.#feed.synced ? this.#feed.state : undefined;
  }

  get kube(): KubeClient | undefined {
    return this.#kube;
  }

  namespaceOf(name: string): Meta | undefined {
    return this.#feed.namespaceOf(name);
  }

  useSettings(mesh: MeshConfig, networks: MeshNetworks | undefined): void {
    this.#feed.useSettings(mesh, networks);
  }

  start(): void {
    void this.#open();
    this.#options.clock.after(this.#options.timeoutMs, () => {
      if (this.#status !== "syncing" || this.#closed) return;
      const late = `its API server did not give a first listing within ${this.#options.timeoutMs / 1000} s`;
      this.#became("timeout", this.#reason === "" ? late : `${late}: ${this.#reason}`);
    });
  }

  close(): void {
    this.#closed = true;
    this.#source?.close();
    this.#probe?.close();
    this.#feed.close();
  }

  async #open(): Promise<void> {
    const { kubeconfig, secret, id, clock, random, userAgent } = this.#options;
    let kube: KubeClient;
    try {
      const access = await secretAccess(kubeconfig, `Secret ${secret}, key ${id}`, clock);
      if (this.#closed) return;
      kube = kubeClientFor(access, { clock, random, userAgent });
      this.#kube = kube;
      this.#source = createKubernetesSource({ kube, clock, kinds: registryKinds });
    } catch (error) {
      this.#became("refused", isKubeError(error) ? error.message : "its kubeconfig can't be read");
      return;
    }
    const sink = this.#feed.sink(id);
    this.#source.start({
      onEvent: (event) => sink.onEvent(event),
      onSynced: () => {
        sink.onSynced();
        this.#answers();
        this.#probe ??= createSilenceProbe({
          kube,
          clock,
          everyMs: this.#options.probeMs,
          onAsked: (silence) => {
            if (silence !== "") this.#fails(silence);
            else if (this.#trouble === "") this.#answers();
          },
        });
      },
      onRecovered: () => {
        if (this.#feed.synced) this.#answers();
      },
      onProblem: ({ reason }) => {
        this.#options.onSyncError();
        this.#trouble = reason;
        this.#fails(reason);
      },
    });
  }

  #answers(): void {
    this.#trouble = "";
    this.#became("synced", "");
  }

  #fails(reason: string): void {
    if (this.#status === "synced") this.#lastSyncMs = this.#options.clock.now();
    const kept = this.#feed.synced ? "; its last known endpoints stay in force" : "";
    // Before the first listing the time limit decides what it is called.
    this.#became(this.#feed.synced ? "failing" : this.#status, `${reason}${kept}`);
  }

  #became(status: SyncStatus, reason: string): void {
    if (this.#closed) return;
    const { log, id } = this.#options;
    const news = status !== this.#status || (this.#reason === "" && reason !== "");
    this.#status = status;
    if (reason !== "" || status === "synced") this.#reason = reason;
    if (!news) return;
    if (status === "synced") log.info("cluster is in sync", { cluster: id });
    else log.warn("cluster is not in sync", { cluster: id, status, reason: this.#reason });
    this.#options.onStatus();
  }
}

/** @param options `start` reads the kubeconfig; until then nothing is contacted. */
export function createRemoteCluster(options: RemoteClusterOptions): RemoteCluster {
  return new Remote(options);
}
