import type { KubeObject, WatchEventType } from "../../contract/index.ts";
import { namespaceOf } from "../json/kube-object.ts";

/** One change, as a watch sees it. */
export interface Change {
  readonly type: WatchEventType;
  readonly version: number;
  readonly object: KubeObject;
  /** What the change replaced; undefined for a creation. */
  readonly previous: KubeObject | undefined;
}

export interface Subscription {
  close(): void;
}

const NO_OBJECTS: readonly KubeObject[] = [];

/** The objects of one resource and the last changes to them. */
export class Collection {
  readonly #keep: number;
  readonly #byNamespace = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Set<(change: Change) => void>();
  #sorted: readonly KubeObject[] | undefined;
  /** Ascending by version; at most twice `#keep` long. */
  #log: Change[] = [];
  /** Changes up to this version are no longer in the log. */
  #forgotten: number;

  constructor(keep: number, born: number) {
    this.#keep = keep;
    this.#forgotten = born;
  }

  get(namespace: string, name: string): KubeObject | undefined {
    return this.#byNamespace.get(namespace)?.get(name);
  }

  /** In key order: namespace, then name. */
  list(namespace: string | undefined): readonly KubeObject[] {
    if (namespace !== undefined) {
      const found = this.#byNamespace.get(namespace);
      if (!found) return NO_OBJECTS;
      return [...found.values()].sort(byKey);
    }
    this.#sorted ??= [...this.#byNamespace.values()].flatMap((names) => [...names.values()]).sort(byKey);
    return this.#sorted;
  }

  get size(): number {
    let size = 0;
    for (const names of this.#byNamespace.values()) size += names.size;
    return size;
  }

  apply(change: Change): void {
    const { object } = change;
    const namespace = namespaceOf(object);
    this.#sorted = undefined;
    if (change.type === "DELETED") {
      const names = this.#byNamespace.get(namespace);
      names?.delete(object.metadata.name);
      if (names?.size === 0) this.#byNamespace.delete(namespace);
    } else {
      let names = this.#byNamespace.get(namespace);
      if (!names) {
        names = new Map();
        this.#byNamespace.set(namespace, names);
      }
      names.set(object.metadata.name, object);
    }
    this.#log.push(change);
    if (this.#log.length > 2 * this.#keep) {
      const dropped = this.#log.length - this.#keep;
      this.#forgotten = this.#log[dropped - 1]?.version ?? this.#forgotten;
      this.#log = this.#log.slice(dropped);
    }
    for (const listener of this.#listeners) listener(change);
  }

  /** Every change after `version`; undefined when some of them are forgotten. */
  since(version: number): readonly Change[] | undefined {
    if (version < this.#forgotten) return undefined;
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#log[middle]?.version ?? 0) > version) high = middle;
      else low = middle + 1;
    }
    return this.#log.slice(low);
  }

  get forgotten(): number {
    return this.#forgotten;
  }

  /** The listener must not change the store before it returns. */
  subscribe(listener: (change: Change) => void): Subscription {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }
}

function byKey(left: KubeObject, right: KubeObject): number {
  const a = namespaceOf(left);
  const b = namespaceOf(right);
  if (a !== b) return a < b ? -1 : 1;
  return left.metadata.name < right.metadata.name ? -1 : left.metadata.name > right.metadata.name ? 1 : 0;
}
