import { CHUNK_STEPS, type StepPool } from "./step-pool.ts";

/** What a counter grew by, with the times: a queue whose room comes from a pool. */
export interface GrowthRing {
  readonly length: number;
  /** Invariant: times ascend, and none is 49 days before the newest. Units: whole ms. */
  push(timeMs: number, growth: number): void;
  /** Adds to the newest, and moves it to a later time. */
  addToLast(timeMs: number, growth: number): void;
  /** Takes the oldest out. */
  shift(): void;
  /** The oldest has index 0; `nowMs`: any time from the newest's on, at most 49 days later. Units: ms. */
  time(i: number, nowMs: number): number;
  growth(i: number): number;
}

export function createGrowthRing(pool: StepPool): GrowthRing {
  return new Ring(pool);
}

class Ring implements GrowthRing {
  readonly #pool: StepPool;
  /** Oldest first. */
  readonly #chunks: number[] = [];
  /** Steps of the first chunk that are gone. */
  #head = 0;
  length = 0;

  constructor(pool: StepPool) {
    this.#pool = pool;
  }

  push(timeMs: number, growth: number): void {
    if (this.#head + this.length === this.#chunks.length * CHUNK_STEPS) this.#chunks.push(this.#pool.take());
    this.#set(this.length++, timeMs, growth);
  }

  addToLast(timeMs: number, growth: number): void {
    const last = this.length - 1;
    this.#set(last, timeMs, this.growth(last) + growth);
  }

  shift(): void {
    this.#head++;
    this.length--;
    if (this.#head < CHUNK_STEPS && this.length > 0) return;
    const gone = this.#chunks.shift();
    if (gone !== undefined) this.#pool.give(gone);
    this.#head = 0;
  }

  time(i: number, nowMs: number): number {
    const at = this.#head + i;
    return nowMs - ((nowMs - this.#pool.time(this.#chunk(at), at % CHUNK_STEPS)) >>> 0);
  }

  growth(i: number): number {
    const at = this.#head + i;
    return this.#pool.growth(this.#chunk(at), at % CHUNK_STEPS);
  }

  #set(i: number, timeMs: number, growth: number): void {
    const at = this.#head + i;
    this.#pool.set(this.#chunk(at), at % CHUNK_STEPS, timeMs, growth);
  }

  #chunk(at: number): number {
    return this.#chunks[Math.floor(at / CHUNK_STEPS)] ?? 0;
  }
}
