/** What is asked for and let go. Without names: all of the type. */
export interface NameRequests {
  subscribe(names?: readonly string[]): void;
  unsubscribe(names?: readonly string[]): void;
}

/** Names of one type at one source, "*" for all there are: asks for what is new and lets go of what is no longer wanted. */
export class WantedNames {
  #names: ReadonlySet<string> = new Set();

  change(names: readonly string[], to: NameRequests): void {
    const before = this.#names;
    const now = new Set(names);
    this.#names = now;
    const fresh = [...now].filter((name) => !before.has(name));
    const stale = [...before].filter((name) => !now.has(name));
    if (fresh.includes(ALL)) to.subscribe();
    if (stale.includes(ALL)) to.unsubscribe();
    const [named, left] = [fresh, stale].map((list) => list.filter((name) => name !== ALL));
    if (named !== undefined && named.length > 0) to.subscribe(named);
    if (left !== undefined && left.length > 0) to.unsubscribe(left);
  }
}

const ALL = "*";
