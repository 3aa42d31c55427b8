import type { HistogramReport } from "../../counters/histogram.ts";
import type { ResponseCodes } from "../../counters/response-codes.ts";
import { counter, type EnvoyStat, histogram } from "./stat.ts";

/** Answers by status and class, those that came, as Envoy names them. */
export function* codeStats(prefix: string, codes: ResponseCodes): Iterable<EnvoyStat> {
  const classes = new Map<number, number>();
  for (const [status, count] of codes.seen()) {
    yield counter(`${prefix}upstream_rq_${status}`, count);
    const first = Math.trunc(status / 100);
    classes.set(first, (classes.get(first) ?? 0) + count);
  }
  for (const [first, count] of classes) yield counter(`${prefix}upstream_rq_${first}xx`, count);
  yield counter(`${prefix}upstream_rq_completed`, codes.completed);
}

/** A histogram, once it has a value. */
export function* timeStats(name: string, report: HistogramReport): Iterable<EnvoyStat> {
  if (report.bins.length > 0) yield histogram(name, report);
}

/** What is in `all` and not in `part`. */
export function withoutPart(all: HistogramReport, part: HistogramReport | undefined): HistogramReport {
  if (part === undefined) return all;
  const taken = new Map(part.bins);
  const bins = all.bins
    .map(([bin, count]): readonly [number, number] => [bin, count - (taken.get(bin) ?? 0)])
    .filter(([, count]) => count > 0);
  return { sum: all.sum - part.sum, bins };
}
