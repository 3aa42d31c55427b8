import { writeSample } from "@heddle/std";
import { mergeHistograms } from "../counters/histogram.ts";
import type { EnvoyStat } from "../telemetry/envoy-stats.ts";

/** Gauges that say the same in every process; adding them up would be wrong. */
const SAME_EVERYWHERE =
  /(\.membership_|\.health_check\.|_open$|\.remaining_|\.warming_state$|total_listeners_active|active_clusters|warming_clusters|^overload\.)/;

/** What every process does for itself because it has the same configuration; adding it up would count it several times. */
const DONE_EVERYWHERE = /^(cluster|listener)_manager\.|\.update_\w+$|\.membership_change$/;

/** Statistics of several processes as those of one: what counts is added up. */
export function mergeStats(lists: readonly Iterable<EnvoyStat>[]): EnvoyStat[] {
  const merged = new Map<string, EnvoyStat>();
  for (const list of lists) {
    for (const stat of list) {
      const before = merged.get(stat.name);
      if (before === undefined) merged.set(stat.name, stat);
      else {
        const same = stat.kind === "gauge" ? SAME_EVERYWHERE.test(stat.name) : DONE_EVERYWHERE.test(stat.name);
        const value = same ? Math.max(before.value, stat.value) : before.value + stat.value;
        const parts =
          before.histogram === undefined || stat.histogram === undefined
            ? {}
            : { histogram: mergeHistograms(before.histogram, stat.histogram) };
        merged.set(stat.name, { ...before, ...parts, value });
      }
    }
  }
  return [...merged.values()];
}

interface Family {
  head: string;
  readonly samples: Map<string, number>;
}

/** Prometheus texts of several processes as that of one: samples of the same name and labels are added up. */
export function mergeExpositions(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0] ?? "";
  const families = new Map<string, Family>();
  for (const text of texts) {
    let family: Family = familyOf(families, "");
    for (const line of text.split("\n")) {
      if (line.startsWith("# ")) {
        const name = line.split(" ", 3)[2] ?? "";
        family = familyOf(families, name);
        if (!family.head.includes(line)) family.head += `${line}\n`;
        continue;
      }
      // Label values may hold blanks; the value never does.
      const at = line.lastIndexOf(" ");
      if (at < 0) continue;
      const key = line.slice(0, at);
      family.samples.set(key, (family.samples.get(key) ?? 0) + numberOf(line.slice(at + 1)));
    }
  }
  let out = "";
  for (const { head, samples } of families.values()) {
    out += head;
    for (const [key, value] of samples) out += writeSample(key, "", value);
  }
  return out;
}

function familyOf(families: Map<string, Family>, name: string): Family {
  let family = families.get(name);
  if (family === undefined) {
    family = { head: "", samples: new Map() };
    families.set(name, family);
  }
  return family;
}

function numberOf(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}
