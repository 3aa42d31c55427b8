import { edenGC, fullGC, heapSize } from "bun:jsc";

/** What one read leaves behind in the engine's heap, beside its bytes. Units: bytes. Source: heap growth between collections, HTTP/1.1 pair. */
const PER_READ_BYTES = 1024;
/** What one request leaves behind, however many came with one read: its own objects, heads, strings. Units: bytes. Source: the same, and gRPC pair. */
const PER_REQUEST_BYTES = 6144;
/** Of longer chunks the memory is freed at once. Units: bytes. */
const LONGEST_BYTES = 16_384;
/**
 * Garbage that is worth a collection of young objects, which takes less than a millisecond. Half of it costs a pair 4 % more CPU, half as much again
 * 4 % more memory (docs/performance.md). Units: bytes.
 */
const BUDGET_BYTES = 8 << 20;
/** Each collection of young objects makes old ones of the requests under way; a full collection follows when the heap has grown so far. */
const GROWTH = 1.3;
/** A full collection of a heap so small takes 13–15 ms; larger ones are left to the engine, which marks beside the program. Units: bytes. */
const SMALL_HEAP_BYTES = 32 << 20;
/** Measuring the heap takes a twentieth of what a collection takes. Units: collections. */
const MEASURE_EVERY = 8;

/** The engine, as far as its heap goes. */
export interface YoungHeap {
  /** Collects young objects now. */
  collect(): void;
  /** Collects everything now. */
  collectAll(): void;
  /** Right after a collection. Units: bytes. */
  size(): number;
}

/** Collects before there is as much garbage as the engine would wait for: it waits until the heap has doubled. */
export interface YoungCollector {
  /** Bytes came. */
  read(bytes: number): void;
  /** A request is over. */
  request(): void;
  /** Called between turns of the event loop, when nothing is under way. */
  rest(): void;
}

class Pacing implements YoungCollector {
  readonly #heap: YoungHeap;
  #pending = 0;
  #least = Number.POSITIVE_INFINITY;
  #untilMeasured = 0;
  /** The young objects are ours to collect until the heap is measured again. */
  #ours = true;

  constructor(heap: YoungHeap) {
    this.#heap = heap;
  }

  read(bytes: number): void {
    this.#pending += PER_READ_BYTES + Math.min(bytes, LONGEST_BYTES);
  }

  request(): void {
    this.#pending += PER_REQUEST_BYTES;
  }

  rest(): void {
    if (this.#pending < BUDGET_BYTES) return;
    this.#pending = 0;
    if (this.#untilMeasured-- > 0) {
      if (this.#ours) this.#heap.collect();
      return;
    }
    this.#untilMeasured = MEASURE_EVERY - 1;
    this.#ours = true;
    const before = this.#heap.size();
    if (before < this.#least) this.#least = before;
    if (before <= this.#least * GROWTH + BUDGET_BYTES) {
      this.#heap.collect();
      this.#least = Math.min(this.#least, this.#heap.size());
      return;
    }
    // The engine's own collections, full ones when they are due, come when ours don't.
    this.#ours = this.#least <= SMALL_HEAP_BYTES;
    if (!this.#ours) return;
    this.#heap.collectAll();
    this.#least = this.#heap.size();
  }
}

/** The heap of this process. Only composition roots call this. */
export function createYoungCollector(
  heap: YoungHeap = { collect: edenGC, collectAll: fullGC, size: heapSize },
): YoungCollector {
  return new Pacing(heap);
}
