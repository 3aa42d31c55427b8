// Hot path: updated once per request.

/** A moving average that forgets by time rather than by count. */
export interface Ewma {
  /** Adds a sample taken at `nowMs`. */
  add(sample: number, nowMs: number): void;
  /** The average now; falls towards zero while no samples come when `decayToZero` is set. */
  value(nowMs: number): number;
}

export interface EwmaOptions {
  /** After this time a sample weighs 1/e. Units: ms. */
  readonly windowMs: number;
  /** A sample above the average replaces it at once ("peak EWMA", Finagle and Linkerd). Default: false. */
  readonly peak?: boolean;
  /** Default: false. */
  readonly decayToZero?: boolean;
  /** Default: 0. */
  readonly initial?: number;
}

class TimeDecayed implements Ewma {
  readonly #windowMs: number;
  readonly #peak: boolean;
  readonly #decayToZero: boolean;
  #average: number;
  // NaN until the first sample, which then counts in full unless an initial value was given.
  #atMs: number;

  constructor(options: EwmaOptions) {
    this.#windowMs = options.windowMs;
    this.#peak = options.peak ?? false;
    this.#decayToZero = options.decayToZero ?? false;
    this.#average = options.initial ?? 0;
    this.#atMs = options.initial === undefined ? Number.NaN : 0;
  }

  add(sample: number, nowMs: number): void {
    if (Number.isNaN(this.#atMs) || (this.#peak && sample > this.#average)) {
      this.#average = sample;
    } else {
      const keep = Math.exp(-Math.max(0, nowMs - this.#atMs) / this.#windowMs);
      this.#average = this.#average * keep + sample * (1 - keep);
    }
    this.#atMs = nowMs;
  }

  value(nowMs: number): number {
    if (!this.#decayToZero || Number.isNaN(this.#atMs)) return this.#average;
    return this.#average * Math.exp(-Math.max(0, nowMs - this.#atMs) / this.#windowMs);
  }
}

export function createEwma(options: EwmaOptions): Ewma {
  return new TimeDecayed(options);
}
