import type { JsonValue } from "@bufbuild/protobuf";
import { EXPOSITION_CONTENT_TYPE } from "@heddle/std";
import { countUpTo, type HistogramReport, quantile } from "../counters/histogram.ts";
import type { EnvoyStat } from "../telemetry/stats/stat.ts";
import type { StatsView } from "../telemetry/stats/stats-view.ts";
import { compactJson, textAnswer } from "./answer.ts";
import { pageFilter } from "./page-filter.ts";

/** Prometheus text. */
export function prometheusAnswer(body: string): Response {
  return new Response(body, { headers: { "content-type": EXPOSITION_CONTENT_TYPE } });
}

/** What the page shows. */
export interface StatsPageDeps {
  readonly view: StatsView;
  /** Those outside of the matcher of `view` are shown too, but not to Prometheus. */
  readonly showsAll: boolean;
  stats(): Promise<readonly EnvoyStat[]>;
  /** Prometheus text of what is no statistic of Envoy's. */
  others(): Promise<string>;
}

const QUANTILES: readonly number[] = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];
const TYPES = ["All", "Counters", "Gauges", "Histograms", "TextReadouts"] as const;
const KINDS = { Counters: "counter", Gauges: "gauge", Histograms: "histogram", TextReadouts: "text" } as const;
const BUCKETS = ["cumulative", "disjoint", "none", "summary", "detailed"] as const;
/** Summaries are of the last interval, and there are none. */
const PROMETHEUS_BUCKETS: ReadonlySet<string> = new Set(["none", "cumulative"]);

/** `/stats?filter=REGEX&type=…&format=text|json|prometheus&usedonly&histogram_buckets=…`. Source: Envoy's admin interface. */
export async function statsPage(deps: StatsPageDeps, url: URL): Promise<Response> {
  const { searchParams } = url;
  const format = url.pathname === "/stats/prometheus" ? "prometheus" : (searchParams.get("format") ?? "text");
  if (format !== "text" && format !== "json" && format !== "prometheus")
    return textAnswer("usage: /stats?format=(json|prometheus|text)\n\n", 400);
  const type = TYPES.find((one) => one === (searchParams.get("type") ?? "All"));
  if (type === undefined) return textAnswer("invalid &type= param", 400);
  const buckets = BUCKETS.find((one) => one === (searchParams.get("histogram_buckets") ?? "none"));
  if (buckets === undefined)
    return textAnswer("usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n", 400);
  if (format === "prometheus" && !PROMETHEUS_BUCKETS.has(buckets))
    return textAnswer("unsupported prometheus histogram bucket mode", 400);
  const filter = pageFilter(searchParams.get("filter"));
  if (!filter.ok) return textAnswer(filter.error, 400);
  const usedOnly = searchParams.has("usedonly");
  const all = await deps.stats();
  const stats = all.filter(
    (stat) =>
      (format === "prometheus" || !deps.showsAll ? deps.view.includes(stat.name) : true) &&
      filter.value(stat.name) &&
      (!usedOnly || stat.value !== 0) &&
      // Prometheus gets all types, as from Envoy.
      (format === "prometheus" || type === "All" || stat.kind === KINDS[type]),
  );
  if (format === "prometheus") {
    return prometheusAnswer((searchParams.has("filter") ? "" : await deps.others()) + deps.view.expose(stats));
  }
  stats.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return format === "json" ? jsonPage(stats, buckets, deps.view) : textPage(stats, buckets, deps.view);
}

function textPage(stats: readonly EnvoyStat[], buckets: (typeof BUCKETS)[number], view: StatsView): Response {
  let numbers = "";
  let histograms = "";
  for (const { name, value, histogram } of stats) {
    if (histogram === undefined) numbers += `${name}: ${value}\n`;
    else histograms += `${name}: ${histogramText(histogram, buckets, view.bounds(name))}\n`;
  }
  return textAnswer(numbers + histograms);
}

/** In parentheses stand the last interval and all time; there are no intervals here, so the first is `nan` as where nothing came. */
function histogramText(report: HistogramReport, buckets: (typeof BUCKETS)[number], bounds: readonly number[]): string {
  if (report.bins.length === 0) return "No recorded values";
  if (buckets === "none" || buckets === "summary" || buckets === "detailed")
    return QUANTILES.map((q) => `P${q}(nan,${quantile(report, q / 100)})`).join(" ");
  return bucketCounts(report, buckets === "disjoint", bounds)
    .map(([bound, count]) => `B${bound}(0,${count})`)
    .join(" ");
}

function bucketCounts(
  report: HistogramReport,
  disjoint: boolean,
  bounds: readonly number[],
): readonly (readonly [bound: number, count: number])[] {
  return bounds.map((bound, i) => {
    const before = bounds[i - 1];
    const upTo = countUpTo(report, bound);
    return [bound, disjoint && before !== undefined ? upTo - countUpTo(report, before) : upTo];
  });
}

function jsonPage(stats: readonly EnvoyStat[], buckets: (typeof BUCKETS)[number], view: StatsView): Response {
  const list: JsonValue[] = [];
  const histograms: { readonly name: string; readonly report: HistogramReport }[] = [];
  for (const { name, value, histogram } of stats) {
    if (histogram === undefined) list.push({ name, value });
    else histograms.push({ name, report: histogram });
  }
  if (histograms.length === 0) return compactJson({ stats: list });
  if (buckets === "cumulative" || buckets === "disjoint") {
    const shown = histograms.map(({ name, report }) => ({
      name,
      buckets: bucketCounts(report, buckets === "disjoint", view.bounds(name)).map(([bound, count]) => ({
        upper_bound: bound,
        interval: 0,
        cumulative: count,
      })),
    }));
    return compactJson({ stats: [...list, { histograms: shown }] });
  }
  const computed = histograms.map(({ name, report }) => ({
    name,
    values: QUANTILES.map((q) => ({ interval: null, cumulative: quantile(report, q / 100) ?? null })),
  }));
  return compactJson({
    stats: [...list, { histograms: { supported_quantiles: [...QUANTILES], computed_quantiles: computed } }],
  });
}
