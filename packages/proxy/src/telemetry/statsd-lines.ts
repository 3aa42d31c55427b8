import type { EnvoyStat } from "./stats/stat.ts";
import type { TaggedName } from "./stats/stat-tags.ts";

export interface StatsdFormat {
  readonly prefix: string;
  /** The labels of a name; undefined: they stay inside the name. */
  readonly tagged?: ((name: string) => Pick<TaggedName, "dotted" | "tags" | "values">) | undefined;
}

/** Statistics as StatsD's lines. It counts itself, so that counters go as what came since the last time. Source: Envoy's statsd sinks. */
export interface StatsdLines {
  next(stats: Iterable<EnvoyStat>): readonly string[];
}

class Lines implements StatsdLines {
  readonly #format: StatsdFormat;
  #sent = new Map<string, number>();

  constructor(format: StatsdFormat) {
    this.#format = format;
  }

  next(stats: Iterable<EnvoyStat>): readonly string[] {
    const lines: string[] = [];
    const now = new Map<string, number>();
    for (const { name, kind, value } of stats) {
      // A histogram's single values are not kept; its buckets have no form here.
      if (kind === "histogram") continue;
      const before = this.#sent.get(name);
      // What was never used is not sent.
      if (before === undefined && value === 0) continue;
      now.set(name, value);
      if (kind === "gauge") lines.push(this.#line(name, value, "g"));
      else {
        // After /reset_counters everything is new.
        const fresh = before === undefined || value < before ? value : value - before;
        if (fresh > 0) lines.push(this.#line(name, fresh, "c"));
      }
    }
    this.#sent = now;
    return lines;
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
