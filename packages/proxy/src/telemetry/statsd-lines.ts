import { binValue, countOf, freshValues, type HistogramReport } from "../counters/histogram.ts";
import type { EnvoyStat } from "./stats/stat.ts";
import type { TaggedName } from "./stats/stat-tags.ts";
import { usedStats } from "./stats/used-stats.ts";

export interface StatsdFormat {
  readonly prefix: string;
  /** The labels of a name; undefined: they stay inside the name. */
  readonly tagged?: ((name: string) => Pick<TaggedName, "dotted" | "tags" | "values">) | undefined;
}

/** Statistics as StatsD's lines. It counts itself, so that counters go as what came since the last time. Source: Envoy's statsd sinks. */
export interface StatsdLines {
  next(stats: readonly EnvoyStat[]): readonly string[];
}

/** Lines for the values of one histogram; of more, every n-th is sent, and says so (`@1/n`). */
const MOST_VALUES = 1000;
const NOTHING: HistogramReport = { sum: 0, bins: [] };

class Lines implements StatsdLines {
  readonly #format: StatsdFormat;
  #sent = new Map<string, number>();
  #values = new Map<string, HistogramReport>();

  constructor(format: StatsdFormat) {
    this.#format = format;
  }

  next(stats: readonly EnvoyStat[]): readonly string[] {
    const lines: string[] = [];
    const now = new Map<string, number>();
    const values = new Map<string, HistogramReport>();
    const used = usedStats(stats);
    for (const stat of stats) {
      const { name, kind, value, histogram } = stat;
      if (histogram !== undefined) {
        this.#timings(name, freshValues(histogram, this.#values.get(name) ?? NOTHING), lines);
        values.set(name, histogram);
        continue;
      }
      const before = this.#sent.get(name);
      if (before === undefined && !used(stat)) continue;
      now.set(name, value);
      // After /reset_counters everything is new.
      const fresh = before === undefined || value < before ? value : value - before;
      lines.push(kind === "gauge" ? this.#line(name, value, "g") : this.#line(name, fresh, "c"));
    }
    this.#sent = now;
    this.#values = values;
    return lines;
  }

  /** Source: Envoy sends every histogram's values as times in ms, whatever they measure. */
  #timings(name: string, fresh: HistogramReport, lines: string[]): void {
    const count = countOf(fresh);
    const every = Math.ceil(count / MOST_VALUES);
    const type = every > 1 ? `ms|@${1 / every}` : "ms";
    let waiting = 0;
    for (const [bin, of] of fresh.bins) {
      // A single value is known as it was.
      const line = this.#line(name, count === 1 ? fresh.sum : binValue(bin), type);
      for (waiting += of; waiting >= every; waiting -= every) lines.push(line);
    }
  }

  #line(name: string, value: number, type: string): string {
    const { prefix, tagged } = this.#format;
    if (tagged === undefined) return `${prefix}.${clean(name)}:${value}|${type}`;
    const { dotted, tags, values } = tagged(name);
    const labels = tags.map((tag, i) => `${clean(tag)}:${clean(values[i] ?? "")}`);
    return `${prefix}.${clean(dotted)}:${value}|${type}${labels.length === 0 ? "" : `|#${labels.join(",")}`}`;
  }
}

/** The form's own marks can't stand inside a name. */
function clean(text: string): string {
  return text.replaceAll(/[:|#,\n]/g, "_");
}

export function createStatsdLines(format: StatsdFormat): StatsdLines {
  return new Lines(format);
}
