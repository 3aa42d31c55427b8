/** A host and its addresses, as the control plane tells them (`NameTable.NameInfo`). */
export interface NameEntry {
  readonly host: string;
  readonly addresses: readonly string[];
  readonly registry: string;
  readonly shortName: string;
  readonly namespace: string;
}

/** Addresses of a known name, by family. */
export interface KnownName {
  /** The name that the records are for; differs from the question's where a search domain was left off. */
  readonly name: string;
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

export interface NameIndex {
  /** Undefined for names that are not the mesh's. Case does not matter. */
  lookUp(name: string): KnownName | undefined;
  readonly size: number;
}

export interface NameScope {
  /** Of the clients; "" where clients of all namespaces ask. */
  readonly namespace: string;
  /** Search domains of the clients. */
  readonly search: readonly string[];
}

type Addresses = Pick<KnownName, "v4" | "v6">;

class TableIndex implements NameIndex {
  readonly #exact = new Map<string, Addresses>();
  /** By what stands behind `*.`. */
  readonly #wild = new Map<string, Addresses>();
  readonly #searched: string | undefined;

  constructor(entries: Iterable<NameEntry>, scope: NameScope) {
    const [first] = scope.search;
    this.#searched = first === undefined ? undefined : `.${first}`;
    const short: (readonly [string, Addresses])[] = [];
    for (const entry of entries) {
      const host = entry.host.toLowerCase().replace(/\.$/, "");
      const addresses = {
        v4: entry.addresses.filter((address) => !address.includes(":")),
        v6: entry.addresses.filter((address) => address.includes(":")),
      };
      if (host.startsWith("*.")) this.#wild.set(host.slice(2), addresses);
      else this.#exact.set(host, addresses);
      for (const name of shortForms(entry, host, scope.namespace)) short.push([name, addresses]);
    }
    // A host of its own wins over a shorter form of another.
    for (const [name, addresses] of short) if (!this.#exact.has(name)) this.#exact.set(name, addresses);
  }

  get size(): number {
    return this.#exact.size + this.#wild.size;
  }

  lookUp(asked: string): KnownName | undefined {
    const name = asked.toLowerCase().replace(/\.$/, "");
    const exact = this.#exact.get(name);
    if (exact !== undefined) return { name, ...exact };
    // Resolvers append search domains before they try a name as it is: the first such question is answered at once.
    if (this.#searched !== undefined && name.endsWith(this.#searched)) {
      const bare = name.slice(0, -this.#searched.length);
      const found = this.#exact.get(bare) ?? this.#underWildcard(bare);
      if (found !== undefined) return { name: bare, ...found };
    }
    const wild = this.#underWildcard(name);
    return wild === undefined ? undefined : { name, ...wild };
  }

  #underWildcard(name: string): Addresses | undefined {
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const found = this.#wild.get(name.slice(dot + 1));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Names that Kubernetes' search path would complete to the full one. */
function shortForms(entry: NameEntry, host: string, namespace: string): readonly string[] {
  if (entry.registry !== "Kubernetes" || entry.shortName === "") return [];
  const short = entry.shortName.toLowerCase();
  if (!host.startsWith(`${short}.${entry.namespace}.svc.`)) return [];
  const forms = [`${short}.${entry.namespace}.svc`, `${short}.${entry.namespace}`];
  return namespace === entry.namespace ? [...forms, short] : forms;
}

/** Index over a whole name table. Source: istio pkg/dns/client/dns.go (BuildAlternateHosts, lookup table). */
export function createNameIndex(entries: Iterable<NameEntry>, scope: NameScope): NameIndex {
  return new TableIndex(entries, scope);
}
