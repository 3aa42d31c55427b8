import { createClusterMerge, type MeshState, type RemoteRegistry } from "@heddle/model";
import type { Logger } from "@heddle/std";
import type { GatewayNames } from "../clusters/gateway-names.ts";
import type { MeshUpdate } from "./mesh-feed.ts";

/** The own cluster's mesh with what the others add. */
export interface MergedMesh {
  readonly state: MeshState;
  /** Why something of a cluster gets no traffic although the cluster is in sync, by its name. */
  readonly collisions: ReadonlyMap<string, string>;
  /** The own cluster changed. */
  local(update: MeshUpdate): void;
  /** Another cluster came, changed or went; nothing happens before the first of `local`. */
  remote(update: Pick<MeshUpdate, "change" | "sinceMs" | "waitedMs">): void;
}

export interface MergedMeshOptions {
  readonly log: Logger;
  /** Until the first update. */
  readonly empty: () => MeshState;
  readonly registries: () => readonly RemoteRegistry[];
  /** Of gateways that have names instead of addresses. */
  readonly gatewayNames: GatewayNames;
  onUpdate(update: MeshUpdate): void;
}

class Merged implements MergedMesh {
  readonly #options: MergedMeshOptions;
  readonly #merge = createClusterMerge();
  #local: MeshState | undefined;
  #state: MeshState | undefined;
  #collisions: ReadonlyMap<string, string> = new Map();

  constructor(options: MergedMeshOptions) {
    this.#options = options;
  }

  get state(): MeshState {
    return this.#state ?? this.#options.empty();
  }

  get collisions(): ReadonlyMap<string, string> {
    return this.#collisions;
  }

  local(update: MeshUpdate): void {
    this.#local = update.state;
    this.#publish(update);
  }

  remote(update: Pick<MeshUpdate, "change" | "sinceMs" | "waitedMs">): void {
    if (this.#local !== undefined) this.#publish({ ...update, state: this.#local });
  }

  #publish(update: MeshUpdate): void {
    const wasAlone = this.#state?.multicluster !== true;
    const { gatewayNames, registries } = this.#options;
    const names = new Set<string>();
    const merged = this.#merge.next(update.state, registries(), (name) => {
      names.add(name);
      return gatewayNames.addressesOf(name);
    });
    gatewayNames.follow([...names]);
    this.#state = merged.state;
    for (const [cluster, sentence] of merged.collisions)
      if (this.#collisions.get(cluster) !== sentence) this.#options.log.error(sentence, { cluster });
    this.#collisions = merged.collisions;
    if (wasAlone && !merged.state.multicluster) {
      this.#options.onUpdate(update);
      return;
    }
    const endpoints = [...new Set([...update.change.endpoints, ...merged.endpoints])];
    // Listeners of headless services name the addresses of their endpoints.
    const headless = merged.endpoints.some((host) => merged.state.services.get(host)?.headless === true);
    const views = update.change.views || merged.views || headless;
    this.#options.onUpdate({ ...update, state: merged.state, change: { views, endpoints } });
  }
}

export function createMergedMesh(options: MergedMeshOptions): MergedMesh {
  return new Merged(options);
}
