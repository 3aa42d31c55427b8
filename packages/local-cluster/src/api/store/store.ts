import type { KubeObject } from "../../contract/index.ts";
import { type Draft, freeze } from "../json/json-value.ts";
import { kubeObject, namespaceOf } from "../json/kube-object.ts";
import { type Change, Collection } from "./collection.ts";

/**
 * Every object of the cluster, in memory, under one counter of versions.
 * A write happens only where the caller's idea of the present object is still true; the caller turns `undefined` into a Conflict.
 */
export interface Store {
  /** The version of the last change. */
  readonly version: number;
  collection(key: string): Collection;
  insert(key: string, draft: Draft): KubeObject | undefined;
  replace(key: string, present: KubeObject, draft: Draft): KubeObject | undefined;
  remove(key: string, present: KubeObject): KubeObject | undefined;
}

/** Default: `keepChanges` 2,000 changes a collection for watches that resume. */
export function createStore(options: { readonly keepChanges?: number } = {}): Store {
  return new MemoryStore(options.keepChanges ?? 2000);
}

class MemoryStore implements Store {
  readonly #collections = new Map<string, Collection>();
  readonly #keep: number;
  #version = 1;

  constructor(keep: number) {
    this.#keep = keep;
  }

  get version(): number {
    return this.#version;
  }

  collection(key: string): Collection {
    let found = this.#collections.get(key);
    if (!found) {
      found = new Collection(this.#keep, 0);
      this.#collections.set(key, found);
    }
    return found;
  }

  insert(key: string, draft: Draft): KubeObject | undefined {
    const object = kubeObject(draft);
    const collection = this.collection(key);
    if (collection.get(namespaceOf(object), object.metadata.name)) return undefined;
    return this.#commit(collection, "ADDED", draft, undefined);
  }

  replace(key: string, present: KubeObject, draft: Draft): KubeObject | undefined {
    const collection = this.collection(key);
    if (collection.get(namespaceOf(present), present.metadata.name) !== present) return undefined;
    return this.#commit(collection, "MODIFIED", draft, present);
  }

  remove(key: string, present: KubeObject): KubeObject | undefined {
    const collection = this.collection(key);
    if (collection.get(namespaceOf(present), present.metadata.name) !== present) return undefined;
    return this.#commit(collection, "DELETED", { ...present }, present);
  }

  #commit(collection: Collection, type: Change["type"], draft: Draft, previous: KubeObject | undefined): KubeObject {
    const version = ++this.#version;
    const metadata = kubeObject(draft).metadata;
    const object = freeze(kubeObject({ ...draft, metadata: { ...metadata, resourceVersion: String(version) } }));
    collection.apply({ type, version, object, previous });
    return object;
  }
}
