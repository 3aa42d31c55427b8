import type { ClusterApi, KubeObject, ResourceId, WatchEventType } from "../contract/index.ts";

/** What changed; `previous` is undefined for new objects. */
export interface CacheChange {
  readonly type: WatchEventType;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

/** All objects of one resource, kept by a watch, with the indexes that controllers need. */
export interface ObjectCache {
  readonly resource: ResourceId;
  get(namespace: string | undefined, name: string): KubeObject | undefined;
  list(namespace?: string): readonly KubeObject[];
  /** Objects that name this uid in `ownerReferences`. */
  ownedBy(uid: string): readonly KubeObject[];
  /** What this process wrote itself, so that the next look sees it although the watch has not told yet. */
  note(object: KubeObject): void;
  onChange(listener: (change: CacheChange) => void): void;
  /** Resolves when all present objects are known. */
  start(): Promise<void>;
  close(): void;
}

const TOMBSTONES = 256;

export function createObjectCache(api: ClusterApi, resource: ResourceId): ObjectCache {
  return new WatchedCache(api, resource);
}

class WatchedCache implements ObjectCache {
  readonly resource: ResourceId;
  readonly #api: ClusterApi;
  readonly #namespaces = new Map<string, Map<string, KubeObject>>();
  readonly #owned = new Map<string, Map<string, KubeObject>>();
  readonly #listeners: ((change: CacheChange) => void)[] = [];
  /** Uids that are gone: a late `note` must not bring them back. */
  readonly #gone = new Set<string>();
  #watch: { close(): void } | undefined;

  constructor(api: ClusterApi, resource: ResourceId) {
    this.#api = api;
    this.resource = resource;
  }

  get(namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#namespaces.get(namespace ?? "")?.get(name);
  }

  list(namespace?: string): readonly KubeObject[] {
    if (namespace !== undefined) return [...(this.#namespaces.get(namespace)?.values() ?? [])];
    return [...this.#namespaces.values()].flatMap((objects) => [...objects.values()]);
  }

  ownedBy(uid: string): readonly KubeObject[] {
    return [...(this.#owned.get(uid)?.values() ?? [])];
  }

  onChange(listener: (change: CacheChange) => void): void {
    this.#listeners.push(listener);
  }

  note(object: KubeObject): void {
    const { uid = "", namespace, name, resourceVersion } = object.metadata;
    if (this.#gone.has(uid)) return;
    const present = this.get(namespace, name);
    if (present !== undefined && version(present.metadata.resourceVersion) >= version(resourceVersion)) return;
    this.#put(object);
  }

  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#watch = this.#api.watch(this.resource, {}, ({ type, object }) => this.#take(type, object), resolve);
    });
  }

  close(): void {
    this.#watch?.close();
  }

  #take(type: WatchEventType, object: KubeObject): void {
    const { namespace, name, uid = "" } = object.metadata;
    const previous = this.get(namespace, name);
    if (type === "DELETED") {
      this.#bury(uid);
      // A new object of the same name may have been noted already.
      if (previous?.metadata.uid === uid) this.#remove(previous);
    } else if (
      previous === undefined ||
      version(previous.metadata.resourceVersion) <= version(object.metadata.resourceVersion)
    ) {
      this.#put(object);
    }
    for (const listener of this.#listeners) listener({ type, object, previous });
  }

  #put(object: KubeObject): void {
    const { namespace = "", name, ownerReferences } = object.metadata;
    const previous = this.get(namespace, name);
    if (previous !== undefined) this.#remove(previous);
    const objects = this.#namespaces.get(namespace) ?? new Map<string, KubeObject>();
    this.#namespaces.set(namespace, objects.set(name, object));
    for (const owner of ownerReferences ?? []) {
      const owned = this.#owned.get(owner.uid) ?? new Map<string, KubeObject>();
      this.#owned.set(owner.uid, owned.set(keyOf(object), object));
    }
  }

  #remove(object: KubeObject): void {
    const { namespace = "", name, ownerReferences } = object.metadata;
    const objects = this.#namespaces.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) this.#namespaces.delete(namespace);
    for (const { uid } of ownerReferences ?? []) {
      const owned = this.#owned.get(uid);
      owned?.delete(keyOf(object));
      if (owned?.size === 0) this.#owned.delete(uid);
    }
  }

  #bury(uid: string): void {
    this.#gone.add(uid);
    if (this.#gone.size <= TOMBSTONES) return;
    const [oldest] = this.#gone;
    if (oldest !== undefined) this.#gone.delete(oldest);
  }
}

function version(resourceVersion: string | undefined): number {
  return Number(resourceVersion ?? 0);
}

/** `namespace/name`, the key of work queues. */
export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
