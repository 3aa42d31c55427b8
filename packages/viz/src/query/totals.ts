import type { StoredSeries } from "../store/store.ts";
import { isFailure } from "./classify.ts";

/** Sums over some series in a window. */
export interface Totals {
  requests: number;
  failures: number;
  /** Cumulative histogram: upper bound (ms) → growth. */
  readonly buckets: Map<number, number>;
  opened: number;
  closed: number;
  readBytes: number;
  writtenBytes: number;
}

export function emptyTotals(): Totals {
  return {
    requests: 0,
    failures: 0,
    buckets: new Map(),
    opened: 0,
    closed: 0,
    readBytes: 0,
    writtenBytes: 0,
  };
}

/** Adds what one series grew since `fromMs`. Open connections are lifetime sums: they do not depend on the window. */
export function addSeries(totals: Totals, stored: StoredSeries, fromMs: number): void {
  const amount = stored.series.increase(fromMs, stored.bornAtZero);
  switch (stored.metric) {
    case "istio_requests_total":
      totals.requests += amount;
      if (isFailure(stored.series.labels)) totals.failures += amount;
      return;
    case "istio_request_duration_milliseconds_bucket": {
      const bound = Number((stored.series.labels.get("le") ?? "").replace("+Inf", "Infinity"));
      totals.buckets.set(bound, (totals.buckets.get(bound) ?? 0) + amount);
      return;
    }
    case "istio_tcp_connections_opened_total":
      totals.opened += stored.series.last;
      return;
    case "istio_tcp_connections_closed_total":
      totals.closed += stored.series.last;
      return;
    case "istio_tcp_received_bytes_total":
      totals.readBytes += amount;
      return;
    case "istio_tcp_sent_bytes_total":
      totals.writtenBytes += amount;
      return;
  }
}

/** Quantile of a cumulative histogram, linear inside a bucket, as Prometheus' `histogram_quantile`. Null where nothing was counted. */
export function quantile(buckets: ReadonlyMap<number, number>, q: number): number | null {
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const rank = q * total;
  let lowerBound = 0;
  let below = 0;
  for (const [bound, count] of sorted) {
    if (count >= rank) {
      if (bound === Number.POSITIVE_INFINITY) return lowerBound;
      return lowerBound + ((bound - lowerBound) * (rank - below)) / Math.max(count - below, Number.EPSILON);
    }
    lowerBound = bound;
    below = count;
  }
  return lowerBound;
}
