/** A resource as it travels: encoded once, shared by everyone who gets it. */
export interface EncodedResource {
  readonly name: string;
  /** Equal version, equal bytes (a content hash in the control plane). */
  readonly version: string;
  /** The encoded message, without its `Any`. */
  readonly body: Uint8Array;
}

/** A resource whose body is pieces that other resources have as well: a thousand virtual hosts are not copied for each namespace that sees them. */
export class PiecedResource implements EncodedResource {
  readonly name: string;
  readonly version: string;
  readonly pieces: readonly Uint8Array[];
  /** Of the body. Units: bytes. */
  readonly length: number;

  constructor(name: string, version: string, pieces: readonly Uint8Array[]) {
    this.name = name;
    this.version = version;
    this.pieces = pieces;
    this.length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** Put together at each call. */
  get body(): Uint8Array {
    return Buffer.concat(this.pieces);
  }
}

/** A resource made of pieces, which follow each other in its body. */
export function createPiecedResource(name: string, version: string, pieces: readonly Uint8Array[]): EncodedResource {
  return new PiecedResource(name, version, pieces);
}

/** The resources of one type that one client may see. Immutable: a change is another set. */
export interface ResourceSet {
  /** Of the whole set; what a state-of-the-world client acknowledges. */
  readonly version: string;
  get(name: string): EncodedResource | undefined;
  /** All names, for wildcard subscribers. */
  names(): Iterable<string>;
  /**
   * Names that may differ from `previous`, so that a change of one endpoint need not visit a thousand clusters.
   * Default (left out or undefined): all of them.
   */
  changedSince?(previous: ResourceSet): Iterable<string> | undefined;
}

/** What one client may see, by type URL. */
export interface Snapshot {
  set(typeUrl: string): ResourceSet | undefined;
}

class MapSet implements ResourceSet {
  readonly version: string;
  readonly #resources: ReadonlyMap<string, EncodedResource>;
  readonly #changes = new WeakMap<ResourceSet, readonly string[]>();

  constructor(version: string, resources: ReadonlyMap<string, EncodedResource>) {
    this.version = version;
    this.#resources = resources;
  }

  get(name: string): EncodedResource | undefined {
    return this.#resources.get(name);
  }

  names(): Iterable<string> {
    return this.#resources.keys();
  }

  /** Compared once for all clients that come from the same set. */
  changedSince(previous: ResourceSet): Iterable<string> | undefined {
    if (!(previous instanceof MapSet)) return undefined;
    const known = this.#changes.get(previous);
    if (known !== undefined) return known;
    const changed: string[] = [];
    for (const [name, { version }] of this.#resources) if (previous.get(name)?.version !== version) changed.push(name);
    for (const name of previous.names()) if (!this.#resources.has(name)) changed.push(name);
    this.#changes.set(previous, changed);
    return changed;
  }
}

/** A set made of a list; of two resources with one name the last counts. */
export function createResourceSet(version: string, resources: Iterable<EncodedResource>): ResourceSet {
  const byName = new Map<string, EncodedResource>();
  for (const resource of resources) byName.set(resource.name, resource);
  return new MapSet(version, byName);
}

/** A snapshot made of sets by type URL. */
export function createSnapshot(sets: Readonly<Record<string, ResourceSet>>): Snapshot {
  const byType = new Map(Object.entries(sets));
  return { set: (typeUrl) => byType.get(typeUrl) };
}

/** The set that every unknown type has. */
export const emptySet: ResourceSet = new MapSet("", new Map());
