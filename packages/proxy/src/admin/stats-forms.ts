import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { binRange, countUpTo, type HistogramReport, QUANTILES, quantile } from "../counters/histogram.ts";
import type { EnvoyStat } from "../telemetry/stats/stat.ts";
import type { StatsView } from "../telemetry/stats/stats-view.ts";
import { compactJson } from "./answer.ts";

/** How histograms are shown; `none` and `summary` are the same but for Prometheus. */
export type BucketMode = "cumulative" | "disjoint" | "detailed" | "summary" | "none";

/** A statistic a line, histograms behind the others. Source: Envoy's text form. */
export function statsText(stats: readonly EnvoyStat[], mode: BucketMode, view: StatsView): string {
  let numbers = "";
  let histograms = "";
  for (const { name, value, histogram } of stats) {
    if (histogram === undefined) numbers += `${name}: ${value}\n`;
    else histograms += `${name}:${histogramText(histogram, mode, view.bounds(name))}\n`;
  }
  return numbers + histograms;
}

/** In parentheses stand the last interval and all time; there are no intervals here, so the first is `nan` as where nothing came. */
function histogramText(report: HistogramReport, mode: BucketMode, bounds: readonly number[]): string {
  if (report.bins.length === 0) return " No recorded values";
  if (mode === "cumulative" || mode === "disjoint")
    return ` ${bucketCounts(report, mode === "disjoint", bounds)
      .map(([bound, count]) => `B${shortNumber(bound)}(0,${count})`)
      .join(" ")}`;
  const summary = QUANTILES.map((q) => `P${q}(nan,${quantile(report, q / 100)})`).join(" ");
  if (mode !== "detailed") return ` ${summary}`;
  const totals = report.bins.map(([bin, count]) => `${binRange(bin).join(",")}:${count}`).join(", ");
  return `\n  totals=${totals}\n  intervals=\n  summary=${summary}`;
}

/** Six digits at most, as C's `%g`. */
function shortNumber(value: number): string {
  if (value !== 0 && (value >= 1e6 || value < 1e-4))
    return Number(value.toPrecision(6))
      .toExponential()
      .replace(/e([+-])(\d)$/, "e$10$2");
  return String(Number(value.toPrecision(6)));
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

/** `{"stats":[…]}`, with one entry for all histograms. Source: Envoy's JSON form. */
export function statsJson(stats: readonly EnvoyStat[], mode: BucketMode, view: StatsView): Response {
  const list: JsonValue[] = [];
  const histograms: NamedReport[] = [];
  for (const { name, value, histogram } of stats) {
    if (histogram === undefined) list.push({ name, value });
    else histograms.push({ name, report: histogram });
  }
  if (histograms.length > 0) list.push({ histograms: histogramsJson(histograms, mode, view) });
  return compactJson({ stats: list });
}

interface NamedReport {
  readonly name: string;
  readonly report: HistogramReport;
}

function histogramsJson(histograms: readonly NamedReport[], mode: BucketMode, view: StatsView): JsonValue {
  if (mode === "cumulative" || mode === "disjoint")
    return histograms.map(({ name, report }) => ({
      name,
      buckets: bucketCounts(report, mode === "disjoint", view.bounds(name)).map(([bound, count]) => ({
        upper_bound: bound,
        interval: 0,
        cumulative: count,
      })),
    }));
  if (mode === "detailed")
    return {
      supported_percentiles: [...QUANTILES],
      details: histograms.map(({ name, report }) => ({
        name,
        totals: report.bins.map(([bin, count]): JsonObject => {
          const [lower_bound, width] = binRange(bin);
          return { lower_bound, width, count };
        }),
        intervals: [],
        percentiles: percentiles(report),
      })),
    };
  return {
    supported_quantiles: [...QUANTILES],
    computed_quantiles: histograms.map(({ name, report }) => ({ name, values: percentiles(report) })),
  };
}

function percentiles(report: HistogramReport): JsonObject[] {
  return QUANTILES.map((q) => ({ cumulative: quantile(report, q / 100) ?? null, interval: null }));
}
