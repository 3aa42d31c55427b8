import { createResourceSet, type EncodedResource, type ResourceSet, type Snapshot } from "./resource.ts";

/**
 * Resources by node group, type and name: all that a hand-made control plane needs beside a socket.
 *
 * ```ts
 * const cache = createSnapshotCache();
 * cache.set("edge", typeUrls.cluster, { name: "a", version: "1", body: toBinary(ClusterSchema, cluster) });
 * const stop = cache.follow("edge", (snapshot) => stream.update(snapshot)); // now, and after each change
 * ```
 */
export interface SnapshotCache {
  /** Adds a resource or replaces the one with its name. */
  set(group: string, typeUrl: string, resource: EncodedResource): void;
  remove(group: string, typeUrl: string, name: string): boolean;
  /** Replaces all resources of a type. */
  replace(group: string, typeUrl: string, resources: readonly EncodedResource[]): void;
  /** Several changes that clients see as one. */
  batch(change: () => void): void;
  snapshot(group: string): Snapshot;
  /** Calls `listener` with the group's snapshot now and after every change, until the returned function is called. */
  follow(group: string, listener: (snapshot: Snapshot) => void): () => void;
}

class Group {
  readonly #resources = new Map<string, Map<string, EncodedResource>>();
  readonly listeners = new Set<(snapshot: Snapshot) => void>();
  /** Invariant: every set equals its map in `#resources`. */
  readonly #sets = new Map<string, ResourceSet>();
  #version = 0;
  changed = false;

  edit(typeUrl: string, change: (resources: Map<string, EncodedResource>) => void): void {
    let resources = this.#resources.get(typeUrl);
    if (resources === undefined) {
      resources = new Map();
      this.#resources.set(typeUrl, resources);
    }
    change(resources);
    this.#sets.set(typeUrl, createResourceSet(String(++this.#version), resources.values()));
    this.changed = true;
  }

  has(typeUrl: string, name: string): boolean {
    return this.#resources.get(typeUrl)?.has(name) === true;
  }

  snapshot(): Snapshot {
    const sets = new Map(this.#sets);
    return { set: (typeUrl) => sets.get(typeUrl) };
  }
}

class Cache implements SnapshotCache {
  readonly #groups = new Map<string, Group>();
  #batches = 0;

  set(group: string, typeUrl: string, resource: EncodedResource): void {
    this.batch(() => this.#group(group).edit(typeUrl, (resources) => resources.set(resource.name, resource)));
  }

  remove(group: string, typeUrl: string, name: string): boolean {
    const found = this.#group(group).has(typeUrl, name);
    if (found) this.batch(() => this.#group(group).edit(typeUrl, (resources) => resources.delete(name)));
    return found;
  }

  replace(group: string, typeUrl: string, replacement: readonly EncodedResource[]): void {
    this.batch(() =>
      this.#group(group).edit(typeUrl, (resources) => {
        resources.clear();
        for (const resource of replacement) resources.set(resource.name, resource);
      }),
    );
  }

  batch(change: () => void): void {
    this.#batches++;
    try {
      change();
    } finally {
      if (--this.#batches === 0) this.#publish();
    }
  }

  snapshot(group: string): Snapshot {
    return this.#group(group).snapshot();
  }

  follow(group: string, listener: (snapshot: Snapshot) => void): () => void {
    const { listeners } = this.#group(group);
    listeners.add(listener);
    listener(this.snapshot(group));
    return () => listeners.delete(listener);
  }

  #publish(): void {
    for (const group of this.#groups.values()) {
      if (!group.changed) continue;
      group.changed = false;
      const snapshot = group.snapshot();
      for (const listener of [...group.listeners]) listener(snapshot);
    }
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new Group();
      this.#groups.set(name, group);
    }
    return group;
  }
}

export function createSnapshotCache(): SnapshotCache {
  return new Cache();
}
