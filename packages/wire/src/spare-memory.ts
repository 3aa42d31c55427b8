/** What is taken for less is of this size, so that the next one finds it large enough. Units: bytes. */
const LEAST_BYTES = 262_144;
/** What was larger goes back to the system. Units: bytes. */
const MOST_BYTES = 1_048_576;

/** Memory of a buffer that was large for a moment, for the next one that is: new memory costs a page fault for each 4 KiB. */
export interface SpareMemory {
  /** At least `bytes`, with anything in it. */
  take(bytes: number): Buffer;
  /** Nobody reads or writes `memory` any more. */
  give(memory: Buffer): void;
}

class OneSpare implements SpareMemory {
  #kept: Buffer = Buffer.alloc(0);

  take(bytes: number): Buffer {
    const kept = this.#kept;
    if (kept.length < bytes) return Buffer.allocUnsafeSlow(Math.max(bytes, LEAST_BYTES));
    this.#kept = Buffer.alloc(0);
    return kept;
  }

  give(memory: Buffer): void {
    if (memory.length > this.#kept.length && memory.length <= MOST_BYTES) this.#kept = memory;
  }
}

/** Keeps one piece of memory, the largest that was given. */
export function createSpareMemory(): SpareMemory {
  return new OneSpare();
}
