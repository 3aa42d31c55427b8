import type { DataPlane, Problem } from "@heddle/config";
import {
  createHashMemo,
  createViews,
  type MeshState,
  type ProxyNode,
  type ProxyView,
  type ResourcePatch,
} from "@heddle/model";
import { nameTable, type Patcher, type ProxyResources, translateInbound, translateOutbound } from "@heddle/translate";
import { createResourceSet, createSnapshot, type ResourceSet, type Snapshot } from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import { NameTableSchema } from "@heddle/xds-api/istio/networking/nds/v1/nds";
import type { MeshUpdate } from "../mesh/mesh-feed.ts";
import { type EncodedResources, encodeResource, encodeResources } from "./encode.ts";
import { createEndpointSets, type EndpointSets } from "./endpoint-set.ts";
import { createPartCache } from "./part-cache.ts";
import { proxylessSets } from "./proxyless-sets.ts";

/** What one proxy gets; proxies with equal views share everything in it. */
export interface ProxySnapshot {
  /** The view's content hash. */
  readonly hash: string;
  readonly snapshot: Snapshot;
}

/** Makes snapshots of the newest state. Encoded resources are kept by the content hash of the view that they were made from (D7). */
export interface ProxySnapshots {
  /** Takes the newest state. False: no view changed, only endpoints. */
  update(update: Pick<MeshUpdate, "state" | "change">): void;
  snapshotFor(proxy: ProxyNode, last?: ProxySnapshot): ProxySnapshot;
  /** Forgets what no proxy uses any more; `inUse` are the hashes of the connected proxies' snapshots. */
  sweep(inUse: ReadonlySet<string>): void;
  readonly stats: CacheStats;
}

export interface CacheStats {
  readonly kept: number;
  readonly hits: number;
  readonly misses: number;
  /** Forgotten, as no proxy saw them any more. */
  readonly evicted: number;
}

interface Kept {
  readonly sets: Readonly<Record<string, ResourceSet>>;
  readonly outbound: string;
  readonly inbound: string;
}

class Snapshots implements ProxySnapshots {
  readonly #hashes = createHashMemo();
  readonly #views = createViews(this.#hashes);
  readonly #endpointSets: EndpointSets = createEndpointSets();
  readonly #outbound = new Map<string, EncodedResources>();
  readonly #inbound = new Map<string, EncodedResources>();
  readonly #parts = createPartCache(this.#hashes);
  readonly #sets = new Map<string, Kept>();
  #state: MeshState | undefined;
  #endpoints: ResourceSet | undefined;
  /** Raised when views may differ; equal numbers mean equal views. */
  #viewEpoch = 0;
  /** Of the newest state, for all who see the same. */
  #snapshots = new WeakMap<Kept, ProxySnapshot>();
  readonly #epochs = new WeakMap<ProxySnapshot, number>();
  #hits = 0;
  #misses = 0;
  #evicted = 0;
  readonly #options: ProxySnapshotsOptions;

  constructor(options: ProxySnapshotsOptions) {
    this.#options = options;
  }

  update(update: Pick<MeshUpdate, "state" | "change">): void {
    const { state, change } = update;
    if (change.views || this.#state === undefined) this.#viewEpoch++;
    if (change.views) this.#parts.turn();
    this.#state = state;
    this.#endpoints = this.#endpointSets.next(state, change.endpoints);
    this.#snapshots = new WeakMap();
  }

  snapshotFor(proxy: ProxyNode, last?: ProxySnapshot): ProxySnapshot {
    const state = this.#state;
    const endpoints = this.#endpoints;
    if (state === undefined || endpoints === undefined) throw new Error("no state of the mesh yet");
    const unchanged =
      last !== undefined && this.#epochs.get(last) === this.#viewEpoch ? this.#sets.get(last.hash) : undefined;
    const view = unchanged === undefined ? this.#views.viewFor(state, proxy) : undefined;
    const hash = view?.hash ?? last?.hash ?? "";
    const kept = unchanged ?? (view === undefined ? undefined : this.#keptFor(view));
    const known = kept === undefined ? undefined : this.#snapshots.get(kept);
    if (known !== undefined) return known;
    const snapshot: ProxySnapshot = {
      hash,
      snapshot: createSnapshot({ ...kept?.sets, [typeUrls.endpoint]: endpoints }),
    };
    this.#epochs.set(snapshot, this.#viewEpoch);
    if (kept !== undefined) this.#snapshots.set(kept, snapshot);
    return snapshot;
  }

  #keptFor(view: ProxyView): Kept {
    const known = this.#sets.get(view.hash);
    if (known !== undefined) {
      this.#hits++;
      return known;
    }
    this.#misses++;
    if (view.outbound.proxyless) {
      const sets = proxylessSets(view);
      const alone: Kept = { outbound: view.outbound.hash, inbound: view.inbound.hash, sets };
      this.#sets.set(view.hash, alone);
      return alone;
    }
    const outbound = keep(
      this.#outbound,
      view.outbound.hash,
      () =>
        this.#parts.encode(view.outbound) ??
        encodeResources(
          this.#patched(translateOutbound(view.outbound), view.outbound.patches, view.outbound.dataPlane),
        ),
    );
    const inbound = keep(this.#inbound, view.inbound.hash, () =>
      encodeResources(
        this.#patched(translateInbound(view.inbound), view.inbound.patches, view.inbound.proxy.dataPlane),
      ),
    );
    const set = (pick: (half: EncodedResources) => EncodedResources["clusters"]): ResourceSet =>
      createResourceSet(view.hash, [...pick(outbound), ...pick(inbound)]);
    const names = nameTable(view.outbound);
    const made: Kept = {
      outbound: view.outbound.hash,
      inbound: view.inbound.hash,
      sets: {
        [typeUrls.cluster]: set((half) => half.clusters),
        [typeUrls.listener]: set((half) => half.listeners),
        [typeUrls.route]: set((half) => half.routes),
        ...(names === undefined
          ? {}
          : { [typeUrls.nameTable]: createResourceSet(view.hash, [encodeResource(NameTableSchema, "", names)]) }),
      },
    };
    this.#sets.set(view.hash, made);
    return made;
  }

  #patched(resources: ProxyResources, patches: readonly ResourcePatch[], dataPlane: DataPlane): ProxyResources {
    if (patches.length === 0 || this.#options.patcher === undefined) return resources;
    const patched = this.#options.patcher.apply(resources, patches, dataPlane);
    for (const problem of patched.problems) this.#options.onProblem?.(problem);
    return patched.resources;
  }

  sweep(inUse: ReadonlySet<string>): void {
    const outbound = new Set<string>();
    const inbound = new Set<string>();
    for (const [hash, kept] of this.#sets) {
      if (!inUse.has(hash)) {
        this.#sets.delete(hash);
        this.#evicted++;
      } else {
        outbound.add(kept.outbound);
        inbound.add(kept.inbound);
      }
    }
    for (const hash of this.#outbound.keys()) if (!outbound.has(hash)) this.#outbound.delete(hash);
    for (const hash of this.#inbound.keys()) if (!inbound.has(hash)) this.#inbound.delete(hash);
  }

  get stats(): CacheStats {
    return { kept: this.#sets.size, hits: this.#hits, misses: this.#misses, evicted: this.#evicted };
  }
}

function keep<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

export interface ProxySnapshotsOptions {
  /** Applies EnvoyFilters; without it they have no effect. */
  readonly patcher?: Patcher;
  /** A patch that some proxy's resources did not take. */
  onProblem?(problem: Problem): void;
}

export function createProxySnapshots(options: ProxySnapshotsOptions = {}): ProxySnapshots {
  return new Snapshots(options);
}
