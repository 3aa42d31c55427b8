// Hot path: looked up for every frame, changed twice per request.

const LEAST_SLOTS = 16;

/**
 * The open streams of a connection by id.
 *
 * Why not a `Map`: one whose entries come and go is rebuilt every few of them, and the chain of tables that it leaves behind keeps dead
 * streams alive through collections of young objects (`Roster` in `@heddle/std` says how). This table changes in place.
 */
export class StreamTable<T extends { readonly id: number }> {
  size = 0;
  /** Open addressing, at most half full. Invariant: from an entry's own slot up to where it stands no slot is empty. */
  #slots: (T | undefined)[] = new Array(LEAST_SLOTS).fill(undefined);
  #mask = LEAST_SLOTS - 1;

  get(id: number): T | undefined {
    const slots = this.#slots;
    for (let at = (id >> 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      const stream = slots[at];
      if (stream === undefined || stream.id === id) return stream;
    }
  }

  /** `stream.id` must not be in the table. */
  add(stream: T): void {
    if (++this.size * 2 > this.#mask) this.#grow();
    this.#put(stream);
  }

  delete(id: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = (id >> 1) & mask;
    while (slots[hole]?.id !== id) {
      if (slots[hole] === undefined) return;
      hole = (hole + 1) & mask;
    }
    this.size--;
    // Entries behind the hole move up where that brings them no further than their own slot.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const stream = slots[at];
      if (stream === undefined) break;
      const own = (stream.id >> 1) & mask;
      if (((at - own) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = stream;
      hole = at;
    }
    slots[hole] = undefined;
  }

  /** All streams, as a copy: what is called for each may change the table. */
  snapshot(): readonly T[] {
    return this.#slots.filter((stream) => stream !== undefined);
  }

  #put(stream: T): void {
    let at = (stream.id >> 1) & this.#mask;
    while (this.#slots[at] !== undefined) at = (at + 1) & this.#mask;
    this.#slots[at] = stream;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Array(before.length * 2).fill(undefined);
    this.#mask = this.#slots.length - 1;
    for (const stream of before) if (stream !== undefined) this.#put(stream);
  }
}
