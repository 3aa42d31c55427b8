import { freshValues, type HistogramReport } from "../counters/histogram.ts";
import type { EnvoyStat } from "./stats/stat.ts";
import { usedStats } from "./stats/used-stats.ts";

/** A statistic that was ever used, with what came since the last time. */
export interface FreshStat extends EnvoyStat {
  /** Of counters; the value of gauges. */
  readonly delta: number;
  /** Values of a histogram since then. */
  readonly fresh: HistogramReport | undefined;
}

/** Keeps what statistics were, to say what is new of them. */
export interface FreshStats {
  next(stats: readonly EnvoyStat[]): readonly FreshStat[];
}

const NOTHING: HistogramReport = { sum: 0, bins: [] };

class Remembered implements FreshStats {
  #values = new Map<string, number>();
  #histograms = new Map<string, HistogramReport>();

  next(stats: readonly EnvoyStat[]): readonly FreshStat[] {
    const found: FreshStat[] = [];
    const values = new Map<string, number>();
    const histograms = new Map<string, HistogramReport>();
    const used = usedStats(stats);
    for (const stat of stats) {
      const { name, kind, value, histogram } = stat;
      const before = this.#values.get(name);
      if (before === undefined && !used(stat)) continue;
      values.set(name, value);
      if (histogram !== undefined) {
        histograms.set(name, histogram);
        found.push({ ...stat, delta: 0, fresh: freshValues(histogram, this.#histograms.get(name) ?? NOTHING) });
        continue;
      }
      // After /reset_counters everything is new.
      const delta = kind === "gauge" || before === undefined || value < before ? value : value - before;
      found.push({ ...stat, delta, fresh: undefined });
    }
    this.#values = values;
    this.#histograms = histograms;
    return found;
  }
}

export function createFreshStats(): FreshStats {
  return new Remembered();
}
