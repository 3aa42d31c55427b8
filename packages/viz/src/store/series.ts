import { createGrowthRing, type GrowthRing } from "./growth-ring.ts";
import { createStepPool, type StepPool } from "./step-pool.ts";

/** The last hours of one counter or gauge: its growth at every sample of the last minutes, before that by the minute. */
export interface Series {
  readonly labels: ReadonlyMap<string, string>;
  /** Invariant: times ascend. Units: ms. */
  push(timeMs: number, value: number): void;
  readonly lastMs: number;
  readonly last: number;
  /** Growth in (`fromMs`, `toMs`] of a counter that may restart at zero; `bornAtZero` says that the first sample grew from nothing. */
  increase(fromMs: number, bornAtZero: boolean, toMs?: number): number;
  /** The same growth, step by step; steps without any are left out. */
  eachStep(fromMs: number, toMs: number, bornAtZero: boolean, visit: (timeMs: number, amount: number) => void): void;
  /** Keeps by the minute alone what is in it: for a series that ended. */
  settle(): void;
  /** Gives its room back; nothing is asked of it any more. */
  release(): void;
}

export interface SeriesOptions {
  /** Samples with growth that are kept as they came. Default: 300, ten minutes of a scrape every two seconds. */
  readonly fine?: number;
  /** How long growth is kept. Default: six hours. Units: ms. */
  readonly keepMs?: number;
  /** Where its room comes from. Default: a pool of its own, which is much for one series. */
  readonly pool?: StepPool;
}

/** How long it is remembered what pods did. Units: ms. */
export const KEEP_MS = 6 * 3_600_000;
/** Length of the steps that are kept for hours. Units: ms. */
const COARSE_MS = 60_000;

export function createSeries(labels: ReadonlyMap<string, string>, options: SeriesOptions = {}): Series {
  return new TwoTierSeries(labels, options.fine ?? 300, options.keepMs ?? KEEP_MS, options.pool ?? createStepPool());
}

/** What did not grow takes no room: most series of a mesh stand still most of the time. */
class TwoTierSeries implements Series {
  readonly labels: ReadonlyMap<string, string>;
  readonly #fineLength: number;
  readonly #keepMs: number;
  readonly #fine: GrowthRing;
  /** Invariant: all of it is older than all in `#fine`. */
  readonly #coarse: GrowthRing;
  #firstMs = Number.NaN;
  #first = 0;
  lastMs = Number.NaN;
  last = 0;

  constructor(labels: ReadonlyMap<string, string>, fineLength: number, keepMs: number, pool: StepPool) {
    this.labels = labels;
    this.#fineLength = fineLength;
    this.#keepMs = keepMs;
    this.#fine = createGrowthRing(pool);
    this.#coarse = createGrowthRing(pool);
  }

  push(timeMs: number, value: number): void {
    if (Number.isNaN(this.#firstMs)) {
      this.#firstMs = timeMs;
      this.#first = value;
    } else {
      const growth = value >= this.last ? value - this.last : value;
      if (growth > 0) {
        if (this.#fine.length === this.#fineLength) this.#age();
        this.#fine.push(Math.round(timeMs), growth);
      }
    }
    this.lastMs = timeMs;
    this.last = value;
    for (const ring of [this.#coarse, this.#fine])
      while (ring.length > 0 && ring.time(0, this.#nowMs) < timeMs - this.#keepMs) ring.shift();
  }

  increase(fromMs: number, bornAtZero: boolean, toMs = Number.POSITIVE_INFINITY): number {
    let amount = 0;
    this.eachStep(fromMs, toMs, bornAtZero, (_time, step) => {
      amount += step;
    });
    return amount;
  }

  eachStep(fromMs: number, toMs: number, bornAtZero: boolean, visit: (timeMs: number, amount: number) => void): void {
    const nowMs = this.#nowMs;
    if (bornAtZero && this.#first > 0 && this.#firstMs > fromMs && this.#firstMs <= toMs)
      visit(this.#firstMs, this.#first);
    for (const ring of [this.#coarse, this.#fine]) {
      let start = ring.length;
      while (start > 0 && ring.time(start - 1, nowMs) > fromMs) start--;
      for (let i = start; i < ring.length; i++) {
        const time = ring.time(i, nowMs);
        if (time > toMs) return;
        visit(time, ring.growth(i));
      }
    }
  }

  settle(): void {
    while (this.#fine.length > 0) this.#age();
  }

  release(): void {
    for (const ring of [this.#coarse, this.#fine]) while (ring.length > 0) ring.shift();
  }

  get #nowMs(): number {
    return Math.round(this.lastMs);
  }

  /** Moves the oldest fine step into its minute, which is named by its last growth. */
  #age(): void {
    const timeMs = this.#fine.time(0, this.#nowMs);
    const growth = this.#fine.growth(0);
    this.#fine.shift();
    const newest = this.#coarse.length - 1;
    if (newest >= 0 && minuteOf(this.#coarse.time(newest, this.#nowMs)) === minuteOf(timeMs))
      this.#coarse.addToLast(timeMs, growth);
    else this.#coarse.push(timeMs, growth);
  }
}

/** A minute holds its end, as a step does. */
const minuteOf = (timeMs: number): number => Math.ceil(timeMs / COARSE_MS);
