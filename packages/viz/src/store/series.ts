/** The last samples of one counter or gauge: every sample of the last minutes, then one a minute for hours. */
export interface Series {
  readonly labels: ReadonlyMap<string, string>;
  /** Invariant: times ascend. Units: ms. */
  push(timeMs: number, value: number): void;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly last: number;
  /** Growth in (`fromMs`, `toMs`] of a counter that may restart at zero; `bornAtZero` says that the first sample grew from nothing. */
  increase(fromMs: number, bornAtZero: boolean, toMs?: number): number;
  /** The same growth, step by step. */
  eachStep(fromMs: number, toMs: number, bornAtZero: boolean, visit: (timeMs: number, amount: number) => void): void;
}

/** Distance of the samples that are kept for hours. Units: ms. */
const COARSE_MS = 60_000;
const FIRST_LENGTH = 16;

/** `capacity`: samples kept as they come; `coarse`: samples kept one a minute. */
export function createSeries(labels: ReadonlyMap<string, string>, capacity: number, coarse = 360): Series {
  return new TwoTierSeries(labels, capacity, coarse);
}

/** Memory grows with what was pushed, up to the capacity: most series of a mesh live shortly. */
class Ring {
  readonly #capacity: number;
  #times: Float64Array;
  #values: Float64Array;
  /** Invariant: samples ever pushed; the newest stands at `(count - 1) % capacity`. */
  count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    const length = Math.min(capacity, FIRST_LENGTH);
    this.#times = new Float64Array(length);
    this.#values = new Float64Array(length);
  }

  push(timeMs: number, value: number): void {
    if (this.count === this.#times.length && this.count < this.#capacity) {
      this.#times = grown(this.#times, this.#capacity);
      this.#values = grown(this.#values, this.#capacity);
    }
    const at = this.count % this.#times.length;
    this.#times[at] = timeMs;
    this.#values[at] = value;
    this.count++;
  }

  get oldest(): number {
    return Math.max(0, this.count - this.#times.length);
  }

  time(i: number): number {
    return this.#times[i % this.#times.length] ?? 0;
  }

  value(i: number): number {
    return this.#values[i % this.#values.length] ?? 0;
  }
}

function grown(array: Float64Array, capacity: number): Float64Array {
  const longer = new Float64Array(Math.min(capacity, array.length * 2));
  longer.set(array);
  return longer;
}

class TwoTierSeries implements Series {
  readonly labels: ReadonlyMap<string, string>;
  readonly #fine: Ring;
  readonly #coarse: Ring;
  #first = Number.NaN;

  constructor(labels: ReadonlyMap<string, string>, capacity: number, coarse: number) {
    this.labels = labels;
    this.#fine = new Ring(capacity);
    this.#coarse = new Ring(coarse);
  }

  push(timeMs: number, value: number): void {
    const { count } = this.#coarse;
    if (this.#fine.count === 0) this.#first = timeMs;
    this.#fine.push(timeMs, value);
    if (count === 0 || timeMs >= this.#coarse.time(count - 1) + COARSE_MS) this.#coarse.push(timeMs, value);
  }

  get firstMs(): number {
    return this.#first;
  }

  get lastMs(): number {
    return this.#fine.count === 0 ? Number.NaN : this.#fine.time(this.#fine.count - 1);
  }

  get last(): number {
    return this.#fine.count === 0 ? 0 : this.#fine.value(this.#fine.count - 1);
  }

  increase(fromMs: number, bornAtZero: boolean, toMs = Number.POSITIVE_INFINITY): number {
    let amount = 0;
    this.eachStep(fromMs, toMs, bornAtZero, (_time, step) => {
      amount += step;
    });
    return amount;
  }

  eachStep(fromMs: number, toMs: number, bornAtZero: boolean, visit: (timeMs: number, amount: number) => void): void {
    const fine = this.#fine;
    if (fine.count === 0) return;
    let previous = Number.NaN;
    const take = (time: number, value: number): void => {
      if (time > fromMs && time <= toMs) {
        if (!Number.isNaN(previous)) visit(time, value >= previous ? value - previous : value);
        else if (bornAtZero && time === this.#first) visit(time, value);
      }
      previous = value;
    };
    const from = fine.oldest;
    const fineSince = fine.time(from);
    if (fineSince > fromMs) {
      const coarse = this.#coarse;
      for (let i = coarse.oldest; i < coarse.count && coarse.time(i) < fineSince; i++)
        take(coarse.time(i), coarse.value(i));
    }
    let start = fine.count - 1;
    while (start > from && fine.time(start) > fromMs) start--;
    for (let i = start; i < fine.count; i++) take(fine.time(i), fine.value(i));
  }
}
