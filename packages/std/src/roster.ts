// Hot path: entered and left once per request.

/** What can stand in a roster; in one at a time. */
export interface Enlisted {
  /** Place in the roster, which the roster keeps; -1: in none. */
  rosterAt: number;
}

/**
 * Who is here now: a set for things that come and go all the time.
 *
 * Why not a `Set`: the engine's hash table is rebuilt every few additions and removals, and the table before it keeps a reference to its
 * successor. Once such a dead table has become old, each collection of young objects takes the whole chain behind it, and all that
 * stood in it, for alive: most of the garbage then stays until the next full collection.
 */
export interface Roster<T extends Enlisted> {
  readonly size: number;
  add(item: T): void;
  /** False when it was not there. */
  delete(item: T): boolean;
  /** All that are here now, as a copy: what is called for each may change the roster. */
  snapshot(): readonly T[];
}

class ArrayRoster<T extends Enlisted> implements Roster<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    if (this.#items[item.rosterAt] === item) return;
    item.rosterAt = this.#items.length;
    this.#items.push(item);
  }

  delete(item: T): boolean {
    const at = item.rosterAt;
    if (this.#items[at] !== item) return false;
    item.rosterAt = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return true;
    this.#items[at] = last;
    last.rosterAt = at;
    return true;
  }

  snapshot(): readonly T[] {
    return this.#items.slice();
  }
}

export function createRoster<T extends Enlisted>(): Roster<T> {
  return new ArrayRoster<T>();
}
