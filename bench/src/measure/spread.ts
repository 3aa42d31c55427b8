/** Several measurements of one thing. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted[sorted.length - 1] ?? Number.NaN };
}

/** Ratios of two series measured in turn: round by round, so that what disturbs a round disturbs both sides of its ratio. */
export function ratioSpread(values: readonly number[], base: readonly number[]): Spread {
  return spreadOf(values.map((value, i) => value / (base[i] ?? Number.NaN)));
}

/** `12.3 (11.9–13.0)`; a ratio of nothing to nothing is `–`. */
export function formatSpread(spread: Spread, digits: number): string {
  if (Number.isNaN(spread.median)) return "–";
  return `${spread.median.toFixed(digits)} (${spread.min.toFixed(digits)}–${spread.max.toFixed(digits)})`;
}
