/** Names of one type at one source: asks for what is new and lets go of what is no longer wanted. */
export class WantedNames {
  #names: ReadonlySet<string> = new Set();

  change(
    names: readonly string[],
    to: { subscribe(names: readonly string[]): void; unsubscribe(names: readonly string[]): void },
  ): void {
    const before = this.#names;
    const now = new Set(names);
    this.#names = now;
    const fresh = [...now].filter((name) => !before.has(name));
    const stale = [...before].filter((name) => !now.has(name));
    if (fresh.length > 0) to.subscribe(fresh);
    if (stale.length > 0) to.unsubscribe(stale);
  }
}
