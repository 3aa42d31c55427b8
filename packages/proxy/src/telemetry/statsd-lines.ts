import { binValue, countOf, type HistogramReport } from "../counters/histogram.ts";
import type { FreshStat } from "./fresh-stats.ts";
import type { TaggedName } from "./stats/stat-tags.ts";

export interface StatsdFormat {
  readonly prefix: string;
  /** The labels of a name; undefined: they stay inside the name. */
  readonly tagged?: ((name: string) => Pick<TaggedName, "dotted" | "tags" | "values">) | undefined;
}

/** Lines for the values of one histogram; of more, every n-th is sent, and says so (`@1/n`). */
const MOST_VALUES = 1000;

/** Statistics as StatsD's lines. Source: Envoy's statsd sinks. */
export function statsdLines(stats: readonly FreshStat[], format: StatsdFormat): readonly string[] {
  const lines: string[] = [];
  for (const { name, kind, delta, fresh } of stats) {
    if (fresh !== undefined) timings(name, fresh, format, lines);
    else lines.push(line(format, name, delta, kind === "gauge" ? "g" : "c"));
  }
  return lines;
}

/** Source: Envoy sends every histogram's values as times in ms, whatever they measure. */
function timings(name: string, fresh: HistogramReport, format: StatsdFormat, lines: string[]): void {
  const count = countOf(fresh);
  const every = Math.ceil(count / MOST_VALUES);
  const type = every > 1 ? `ms|@${1 / every}` : "ms";
  let waiting = 0;
  for (const [bin, of] of fresh.bins) {
    // A single value is known as it was.
    const text = line(format, name, count === 1 ? fresh.sum : binValue(bin), type);
    for (waiting += of; waiting >= every; waiting -= every) lines.push(text);
  }
}

function line({ prefix, tagged }: StatsdFormat, name: string, value: number, type: string): string {
  if (tagged === undefined) return `${prefix}.${clean(name)}:${value}|${type}`;
  const { dotted, tags, values } = tagged(name);
  const labels = tags.map((tag, i) => `${clean(tag)}:${clean(values[i] ?? "")}`);
  return `${prefix}.${clean(dotted)}:${value}|${type}${labels.length === 0 ? "" : `|#${labels.join(",")}`}`;
}

/** The form's own marks can't stand inside a name. */
function clean(text: string): string {
  return text.replaceAll(/[:|#,\n]/g, "_");
}
