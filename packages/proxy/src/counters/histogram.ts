// Hot path: `record` runs for every request.

/** Values of 0 to 99, which have a bin each. */
const EXACT = 100;
/** Bins of each power of ten above: two significant digits. */
const PER_DECADE = 90;

/** A distribution in bins of two significant digits. Source: Envoy's histograms (libcircllhist). */
export class Histogram {
  count = 0;
  sum = 0;
  /** Undefined until the first value: most histograms of a big configuration stay empty. */
  #bins: Uint32Array | undefined = undefined;

  /** `value`: what is negative counts as 0, fractions are cut off. */
  record(value: number): void {
    const whole = value > 0 ? Math.trunc(value) : 0;
    const at = whole < EXACT ? whole : binOf(whole);
    if (this.#bins === undefined || at >= this.#bins.length) this.#grow(at);
    const bins = this.#bins;
    if (bins !== undefined) bins[at] = (bins[at] ?? 0) + 1;
    this.count++;
    this.sum += whole;
  }

  reset(): void {
    this.count = 0;
    this.sum = 0;
    this.#bins = undefined;
  }

  /** What is there, as `[bin, count]` pairs in ascending order. */
  report(): HistogramReport {
    const bins: [number, number][] = [];
    this.#bins?.forEach((count, at) => {
      if (count > 0) bins.push([at, count]);
    });
    return { sum: this.sum, bins };
  }

  #grow(at: number): void {
    const size = at < EXACT ? EXACT : EXACT + PER_DECADE * (Math.trunc((at - EXACT) / PER_DECADE) + 1);
    const bins = new Uint32Array(size);
    if (this.#bins !== undefined) bins.set(this.#bins);
    this.#bins = bins;
  }
}

/** A histogram as it goes from a worker to the process that shows it. */
export interface HistogramReport {
  readonly sum: number;
  readonly bins: readonly (readonly [bin: number, count: number])[];
}

function binOf(whole: number): number {
  let decade = 0;
  let digits = whole;
  while (digits >= EXACT) {
    digits /= 10;
    decade++;
  }
  return EXACT + (decade - 1) * PER_DECADE + Math.trunc(digits) - 10;
}

/** Lower end and width of a bin. */
export function binRange(bin: number): readonly [low: number, width: number] {
  if (bin === 0) return [0, 0];
  if (bin < 10) return [bin, 0.1];
  if (bin < EXACT) return [bin, 1];
  const width = 10 ** (Math.trunc((bin - EXACT) / PER_DECADE) + 1);
  return [(10 + ((bin - EXACT) % PER_DECADE)) * width, width];
}

/** Those that are shown. Source: Envoy. Units: %. */
export const QUANTILES: readonly number[] = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];

/** The same as shares, in the digits that they are written with: 99.9 / 100 is not 0.999. */
export const QUANTILE_SHARES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1];

export function countOf(report: HistogramReport): number {
  return report.bins.reduce((sum, [, count]) => sum + count, 0);
}

/** The value below which a share of all values lies: as if the values of a bin were spread evenly over it. Undefined: there are no values. */
export function quantile(report: HistogramReport, share: number): number | undefined {
  const total = countOf(report);
  if (total === 0) return undefined;
  let rank = Math.max(1, Math.ceil(share * total));
  for (const [bin, count] of report.bins) {
    if (rank > count) {
      rank -= count;
      continue;
    }
    const [low, width] = binRange(bin);
    return low + (width * rank) / (count + 1);
  }
  return undefined;
}

/** How many values are at most `bound`. */
export function countUpTo(report: HistogramReport, bound: number): number {
  let sum = 0;
  for (const [bin, count] of report.bins) {
    if (binRange(bin)[0] > bound) break;
    sum += count;
  }
  return sum;
}

/** The whole number that stands for the values of a bin: itself below 100, then the bin's middle. */
export function binValue(bin: number): number {
  const [low, width] = binRange(bin);
  return bin < EXACT ? low : low + width / 2;
}

/** What came since `before`; everything when the counts went back. */
export function freshValues(now: HistogramReport, before: HistogramReport): HistogramReport {
  const counts = new Map(before.bins);
  const bins: [number, number][] = [];
  for (const [bin, count] of now.bins) {
    const fresh = count - (counts.get(bin) ?? 0);
    if (fresh < 0) return now;
    if (fresh > 0) bins.push([bin, fresh]);
    counts.delete(bin);
  }
  return counts.size > 0 ? now : { sum: now.sum - before.sum, bins };
}

/** The values of several processes, or of several kinds. */
export function mergeHistograms(a: HistogramReport, b: HistogramReport): HistogramReport {
  const counts = new Map(a.bins);
  for (const [bin, count] of b.bins) counts.set(bin, (counts.get(bin) ?? 0) + count);
  return { sum: a.sum + b.sum, bins: [...counts].sort((x, y) => x[0] - y[0]) };
}
