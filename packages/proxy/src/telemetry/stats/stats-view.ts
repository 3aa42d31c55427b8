import { writeSample } from "@heddle/std";
import type { StatsSettings } from "../../config/stats-config.ts";
import { matchesString } from "../../config/string-match.ts";
import { countOf, countUpTo, type HistogramReport, QUANTILE_SHARES, quantile } from "../../counters/histogram.ts";
import type { EnvoyStat } from "./stat.ts";
import { createStatTags, type TaggedName, taggedLabels } from "./stat-tags.ts";

/** How statistics are shown: which there are, what is a label, where buckets end. */
export interface StatsView {
  /** Whether there is a statistic of this name. Source: Envoy `stats_matcher`. */
  includes(name: string): boolean;
  bounds(name: string): readonly number[];
  /** Prometheus text. Default: histograms have buckets. */
  expose(stats: Iterable<EnvoyStat>, histograms?: "buckets" | "quantiles"): string;
}

/** Upper bounds of buckets, for times in ms. Source: Envoy. */
const DEFAULT_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

export function createStatsView(settings: StatsSettings): StatsView {
  const tags = createStatTags(settings);
  const { matcher } = settings;
  const bounds = (name: string) =>
    settings.buckets.find(({ match }) => matchesString(match, name))?.bounds ?? DEFAULT_BOUNDS;
  return {
    bounds,
    includes: (name) => {
      if (matcher.kind === "all" || matcher.kind === "none") return matcher.kind === "all";
      return matcher.patterns.some((match) => matchesString(match, name)) === (matcher.kind === "only");
    },
    expose: (stats, histograms = "buckets") => {
      const families = new Map<string, { readonly kind: string; text: string }>();
      for (const { name, kind, value, histogram } of stats) {
        const tagged = tags.of(name);
        let family = families.get(tagged.metric);
        if (family === undefined) {
          family = { kind: kind === "histogram" && histograms === "quantiles" ? "summary" : kind, text: "" };
          families.set(tagged.metric, family);
        }
        family.text +=
          histogram === undefined
            ? writeSample(tagged.metric, taggedLabels(tagged), value)
            : histograms === "buckets"
              ? exposeHistogram(tagged, histogram, bounds(name))
              : exposeSummary(tagged, histogram);
      }
      let text = "";
      for (const [name, family] of families) text += `# TYPE ${name} ${family.kind}\n${family.text}`;
      return text;
    },
  };
}

/** Quantiles of all time: there is no last interval. */
function exposeSummary(tagged: TaggedName, report: HistogramReport): string {
  let text = "";
  for (const share of QUANTILE_SHARES)
    text += writeSample(
      tagged.metric,
      taggedLabels(tagged, ["quantile", String(share)]),
      quantile(report, share) ?? Number.NaN,
    );
  text += writeSample(`${tagged.metric}_sum`, taggedLabels(tagged), report.sum);
  return text + writeSample(`${tagged.metric}_count`, taggedLabels(tagged), countOf(report));
}

function exposeHistogram(tagged: TaggedName, report: HistogramReport, bounds: readonly number[]): string {
  let text = "";
  for (const bound of bounds)
    text += writeSample(
      `${tagged.metric}_bucket`,
      taggedLabels(tagged, ["le", String(bound)]),
      countUpTo(report, bound),
    );
  const count = countOf(report);
  text += writeSample(`${tagged.metric}_bucket`, taggedLabels(tagged, ["le", "+Inf"]), count);
  text += writeSample(`${tagged.metric}_sum`, taggedLabels(tagged), report.sum);
  return text + writeSample(`${tagged.metric}_count`, taggedLabels(tagged), count);
}
