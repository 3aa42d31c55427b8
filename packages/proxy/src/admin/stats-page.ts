import { EXPOSITION_CONTENT_TYPE } from "@heddle/std";
import type { EnvoyStat } from "../telemetry/stats/stat.ts";
import type { StatsView } from "../telemetry/stats/stats-view.ts";
import { usedStats } from "../telemetry/stats/used-stats.ts";
import { escapeHtml, htmlAnswer, textAnswer } from "./answer.ts";
import { pageFilter } from "./page-filter.ts";
import { type BucketMode, statsJson, statsText } from "./stats-forms.ts";

/** Prometheus text. */
export function prometheusAnswer(body: string): Response {
  return new Response(body, { headers: { "content-type": EXPOSITION_CONTENT_TYPE } });
}

/** What the page shows. */
export interface StatsPageDeps {
  readonly view: StatsView;
  /** Those outside of the matcher of `view` are shown too, but not to Prometheus. */
  readonly showsAll: boolean;
  /** Names of what was counted before counters were reset. */
  readonly usedBefore: ReadonlySet<string>;
  stats(): Promise<readonly EnvoyStat[]>;
  /** Prometheus text of what is no statistic of Envoy's. */
  others(): Promise<string>;
}

const FORMATS = ["html", "active-html", "json", "prometheus", "text"] as const;
const TYPES = ["All", "Counters", "Gauges", "Histograms", "TextReadouts"] as const;
const KINDS = { Counters: "counter", Gauges: "gauge", Histograms: "histogram", TextReadouts: "text" } as const;
const BUCKETS: readonly BucketMode[] = ["cumulative", "disjoint", "detailed", "summary", "none"];

/** `/stats?filter=REGEX&type=…&format=…&usedonly&histogram_buckets=…`. Source: Envoy's admin interface. */
export async function statsPage(deps: StatsPageDeps, url: URL): Promise<Response> {
  const { searchParams } = url;
  const asked = (name: string, otherwise: string) => searchParams.get(name) || otherwise;
  const forPrometheus = url.pathname === "/stats/prometheus";
  const format = forPrometheus ? "prometheus" : FORMATS.find((one) => one === asked("format", "text"));
  if (format === undefined) return textAnswer(`usage: /stats?format=(${FORMATS.join("|")})\n\n`, 400);
  const type = TYPES.find((one) => one === asked("type", "All"));
  if (type === undefined) return textAnswer("invalid &type= param", 400);
  const shown = asked("histogram_buckets", format === "prometheus" ? "cumulative" : "none");
  const buckets = BUCKETS.find((one) => one === shown);
  if (buckets === undefined)
    return textAnswer("usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n", 400);
  if (format === "prometheus" && (buckets === "disjoint" || buckets === "detailed"))
    return textAnswer("unsupported prometheus histogram bucket mode", 400);
  const filter = pageFilter(searchParams.get("filter"));
  if (!filter.ok) return textAnswer(filter.error, 400);
  const inverted = searchParams.has("invert_filter") && asked("filter", "") !== "";
  const all = await deps.stats();
  const used = searchParams.has("usedonly") ? usedStats(all) : undefined;
  const stats = all.filter(
    (stat) =>
      (format === "prometheus" || !deps.showsAll ? deps.view.includes(stat.name) : true) &&
      filter.value(stat.name) !== inverted &&
      (used === undefined || used(stat) || deps.usedBefore.has(stat.name)) &&
      // Prometheus gets all types, as from Envoy.
      (format === "prometheus" || type === "All" || stat.kind === KINDS[type]),
  );
  if (format === "prometheus") {
    const others = searchParams.has("filter") ? "" : await deps.others();
    return prometheusAnswer(others + deps.view.expose(stats, buckets === "cumulative" ? "buckets" : "quantiles"));
  }
  stats.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  if (format === "json") return statsJson(stats, buckets, deps.view);
  const text = statsText(stats, buckets, deps.view);
  return format === "text" ? textAnswer(text) : htmlAnswer(page(text, searchParams, format === "active-html"));
}

/** Units: s. */
const REFRESH_S = 5;

function page(text: string, { size }: URLSearchParams, active: boolean): string {
  const refresh = active ? `<meta http-equiv="refresh" content="${REFRESH_S}">` : "";
  const note = size > 1 ? "" : '<p><a href=".">all pages</a>, with fields for what is shown</p>';
  return `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">${refresh}<title>Statistics</title></head><body>${note}<pre>\n${escapeHtml(text)}</pre></body></html>\n`;
}
