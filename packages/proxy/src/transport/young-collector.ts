import { edenGC, heapSize } from "bun:jsc";

/** What one read leaves behind in the engine's heap, beside its bytes. Units: bytes. Source: heap growth between collections, HTTP/1.1 pair. */
const PER_READ_BYTES = 1024;
/** Each byte read is copied, parsed and written again. */
const PER_BYTE = 3;
/** Of longer chunks the memory is freed at once. Units: bytes. */
const LONGEST_BYTES = 16_384;
/** Garbage that is worth a collection of young objects, which takes less than a millisecond. Units: bytes. */
const BUDGET_BYTES = 4 << 20;
/** Old objects that died are only found by a full collection: with that much more than before it is the engine's turn. */
const GROWTH = 1.4;

/** The engine, as far as its heap goes. */
export interface YoungHeap {
  /** Collects young objects now. */
  collect(): void;
  /** Right after a collection. Units: bytes. */
  size(): number;
}

/** Collects young objects before there are as many as the engine would wait for: it waits until the heap has doubled. */
export interface YoungCollector {
  /** Bytes came. */
  read(bytes: number): void;
  /** Called between turns of the event loop, when nothing is under way. */
  rest(): void;
}

class Pacing implements YoungCollector {
  readonly #heap: YoungHeap;
  #pending = 0;
  #least = Number.POSITIVE_INFINITY;

  constructor(heap: YoungHeap) {
    this.#heap = heap;
  }

  read(bytes: number): void {
    this.#pending += PER_READ_BYTES + PER_BYTE * Math.min(bytes, LONGEST_BYTES);
  }

  rest(): void {
    if (this.#pending < BUDGET_BYTES) return;
    this.#pending = 0;
    const before = this.#heap.size();
    if (before < this.#least) this.#least = before;
    // The engine's own collections, full ones when they are due, come when ours don't.
    if (before > this.#least * GROWTH + BUDGET_BYTES) return;
    this.#heap.collect();
    this.#least = Math.min(this.#least, this.#heap.size());
  }
}

/** The heap of this process. Only composition roots call this. */
export function createYoungCollector(heap: YoungHeap = { collect: edenGC, size: heapSize }): YoungCollector {
  return new Pacing(heap);
}
