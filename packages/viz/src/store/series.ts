/** The last samples of one counter or gauge, oldest overwritten first. */
export interface Series {
  readonly labels: ReadonlyMap<string, string>;
  /** Invariant: times ascend. Units: ms. */
  push(timeMs: number, value: number): void;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly last: number;
  /** Growth since `fromMs` of a counter that may restart at zero; `bornAtZero` says that the first sample grew from nothing. */
  increase(fromMs: number, bornAtZero: boolean): number;
}

export function createSeries(labels: ReadonlyMap<string, string>, capacity: number): Series {
  return new RingSeries(labels, capacity);
}

class RingSeries implements Series {
  readonly labels: ReadonlyMap<string, string>;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  /** Invariant: samples ever pushed; the newest stands at `(#count - 1) % capacity`. */
  #count = 0;
  #first = Number.NaN;

  constructor(labels: ReadonlyMap<string, string>, capacity: number) {
    this.labels = labels;
    this.#times = new Float64Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  push(timeMs: number, value: number): void {
    if (this.#count === 0) this.#first = timeMs;
    const at = this.#count % this.#times.length;
    this.#times[at] = timeMs;
    this.#values[at] = value;
    this.#count++;
  }

  get firstMs(): number {
    return this.#first;
  }

  get lastMs(): number {
    return this.#count === 0 ? Number.NaN : this.#time(this.#count - 1);
  }

  get last(): number {
    return this.#count === 0 ? 0 : this.#value(this.#count - 1);
  }

  increase(fromMs: number, bornAtZero: boolean): number {
    const oldest = Math.max(0, this.#count - this.#times.length);
    let start = this.#count - 1;
    while (start > oldest && this.#time(start) > fromMs) start--;
    if (start < 0) return 0;
    const wholeLife = start === 0 && this.#time(0) > fromMs;
    let amount = wholeLife && bornAtZero ? this.#value(0) : 0;
    for (let i = start + 1; i < this.#count; i++) {
      const step = this.#value(i) - this.#value(i - 1);
      amount += step >= 0 ? step : this.#value(i);
    }
    return amount;
  }

  #time(i: number): number {
    return this.#times[i % this.#times.length] ?? 0;
  }

  #value(i: number): number {
    return this.#values[i % this.#values.length] ?? 0;
  }
}
