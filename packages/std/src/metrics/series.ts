// Hot path: incremented several times per request.

/** A number that only grows. The hot path keeps the object and writes `counter.value++`. */
export interface Counter {
  value: number;
}

/** A number that goes both ways. */
export interface Gauge {
  value: number;
}

/** Counts of observations by size. */
export interface Histogram {
  observe(value: number): void;
  /** Upper bounds, ascending, without +Inf. */
  readonly bounds: readonly number[];
  /** Observations per bucket, not cumulative; one more than `bounds`, the last one for what exceeds them. */
  readonly counts: Float64Array;
  readonly sum: number;
  readonly count: number;
}

class Cell implements Counter, Gauge {
  value = 0;
}

class Buckets implements Histogram {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (bounds[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    this.counts[low] = (this.counts[low] ?? 0) + 1;
    this.sum += value;
    this.count++;
  }
}

export function createCell(): Counter & Gauge {
  return new Cell();
}

export function createHistogram(bounds: readonly number[]): Histogram {
  return new Buckets(bounds);
}

/** The smallest bound under which a share `q` (0…1) of observations lies, interpolated as Prometheus does; NaN when empty. */
export function histogramQuantile(q: number, bounds: readonly number[], counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i <= bounds.length; i++) total += counts[i] ?? 0;
  if (total === 0) return Number.NaN;
  const rank = q * total;
  let seen = 0;
  for (let i = 0; i < bounds.length; i++) {
    const here = counts[i] ?? 0;
    if (seen + here >= rank && here > 0) {
      const lower = i === 0 ? Math.min(0, bounds[0] ?? 0) : (bounds[i - 1] ?? 0);
      return lower + (((bounds[i] ?? 0) - lower) * (rank - seen)) / here;
    }
    seen += here;
  }
  return bounds[bounds.length - 1] ?? Number.NaN;
}
