/**
 * The sets of names that clients ask for, each kept once: a thousand clients mostly want the same thousand names, and what a server keeps
 * for each of them must not grow with the size of the mesh. Sets are immutable; a change gives another one.
 */
export interface NamePool {
  /** The set that holds `names`. */
  of(names: ReadonlySet<string>): ReadonlySet<string>;
  /** `base` without `dropped`, with `added`. Who changes the same set in the same way as the one before gets that one's result. */
  change(base: ReadonlySet<string>, added: readonly string[], dropped: readonly string[]): ReadonlySet<string>;
}

export const noNames: ReadonlySet<string> = new Set();

/** So many sets of one size are compared, the last used first. */
const COMPARED = 8;
/** Longer changes are found by their result. */
const SHORT = 64;

interface Step {
  readonly change: string;
  readonly result: ReadonlySet<string>;
}

class Pool implements NamePool {
  /** By number of names; sets that no client has any more are dropped by the collector. */
  readonly #bySize = new Map<number, WeakRef<ReadonlySet<string>>[]>();
  /** The last change of each set. */
  readonly #steps = new WeakMap<ReadonlySet<string>, Step>();
  #untilSweep = 64;

  of(names: ReadonlySet<string>): ReadonlySet<string> {
    if (names.size === 0) return noNames;
    const known = this.#bySize.get(names.size) ?? [];
    for (const [i, ref] of known.entries()) {
      const set = ref.deref();
      if (set === undefined || !isSubset(names, set)) continue;
      if (i > 0) known.unshift(...known.splice(i, 1));
      return set;
    }
    this.#bySize.set(names.size, [new WeakRef(names), ...known.slice(0, COMPARED - 1)]);
    if (--this.#untilSweep === 0) this.#sweep();
    return names;
  }

  change(base: ReadonlySet<string>, added: readonly string[], dropped: readonly string[]): ReadonlySet<string> {
    const unwanted = new Set(dropped);
    const news = added.filter((name) => !base.has(name) && !unwanted.has(name));
    const gone = dropped.filter((name) => base.has(name));
    if (news.length + gone.length === 0) return base;
    const short = base.size > 0 && news.length + gone.length <= SHORT;
    const change = short ? `+${news.join("\n+")}\n-${gone.join("\n-")}` : "";
    const last = this.#steps.get(base);
    if (short && last?.change === change) return last.result;
    const names = new Set(base);
    for (const name of gone) names.delete(name);
    for (const name of news) names.add(name);
    const result = this.of(names);
    if (short) this.#steps.set(base, { change, result });
    return result;
  }

  #sweep(): void {
    this.#untilSweep = 64 + this.#bySize.size;
    for (const [size, refs] of this.#bySize) {
      const alive = refs.filter((ref) => ref.deref() !== undefined);
      if (alive.length > 0) this.#bySize.set(size, alive);
      else this.#bySize.delete(size);
    }
  }
}

function isSubset(names: ReadonlySet<string>, of: ReadonlySet<string>): boolean {
  for (const name of names) if (!of.has(name)) return false;
  return true;
}

/** Use one for all streams of a server. */
export function createNamePool(): NamePool {
  return new Pool();
}
