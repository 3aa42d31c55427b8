import type { HistogramReport } from "../../counters/histogram.ts";

export type StatKind = "counter" | "gauge" | "histogram";

/** One statistic under Envoy's dotted name. */
export interface EnvoyStat {
  /** `cluster.outbound|80||a.b.upstream_rq_total`. */
  readonly name: string;
  readonly kind: StatKind;
  /** Of a histogram: how many values it has. */
  readonly value: number;
  readonly histogram?: HistogramReport;
}

/** A statistic that every object of a kind has: its name, what it is, how it is read. */
export type StatRow<T> = readonly [name: string, read: (from: T) => number, kind?: "gauge"];

/** Reads all rows of one object. */
export function* readRows<T>(rows: readonly StatRow<T>[], prefix: string, from: T): Iterable<EnvoyStat> {
  for (const [name, read, kind = "counter"] of rows) yield { name: prefix + name, kind, value: read(from) };
}

export function counter(name: string, value: number): EnvoyStat {
  return { name, kind: "counter", value };
}

export function gauge(name: string, value: number): EnvoyStat {
  return { name, kind: "gauge", value };
}

export function histogram(name: string, report: HistogramReport): EnvoyStat {
  return { name, kind: "histogram", value: report.bins.reduce((sum, [, count]) => sum + count, 0), histogram: report };
}
