import type { StoredSeries } from "../store/store.ts";
import { isFailure } from "./classify.ts";

/** Sums over some series in a window. */
export interface Totals {
  requests: number;
  failures: number;
  /** Requests that a policy refused. */
  unauthorized: number;
  /** Answers with gRPC's PERMISSION_DENIED. */
  permissionDenied: number;
  /** Cumulative histogram: upper bound (ms) → growth. */
  readonly buckets: Map<number, number>;
  /** Connections that are open now; does not depend on the span. */
  open: number;
  readBytes: number;
  writtenBytes: number;
}

export function emptyTotals(): Totals {
  return {
    requests: 0,
    failures: 0,
    unauthorized: 0,
    permissionDenied: 0,
    buckets: new Map(),
    open: 0,
    readBytes: 0,
    writtenBytes: 0,
  };
}

/** Time that is looked at. Units: ms. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Adds what one series grew in the span. */
export function addSeries(totals: Totals, stored: StoredSeries, span: Span): void {
  const amount = stored.series.increase(span.fromMs, stored.bornAtZero, span.toMs);
  switch (stored.metric) {
    case "istio_requests_total":
      totals.requests += amount;
      if (isFailure(stored.series.labels)) totals.failures += amount;
      if (stored.series.labels.get("grpc_response_status") === "7") totals.permissionDenied += amount;
      return;
    case "envoy_http_rbac_denied":
      totals.unauthorized += amount;
      return;
    case "route_response_total":
      totals.requests += amount;
      if (stored.series.labels.get("classification") === "failure") totals.failures += amount;
      return;
    case "route_response_latency_ms_bucket":
    case "istio_request_duration_milliseconds_bucket":
      totals.buckets.set(stored.bound, (totals.buckets.get(stored.bound) ?? 0) + amount);
      return;
    // Of HTTP, proxies count the bodies.
    case "istio_request_bytes_sum":
    case "istio_tcp_received_bytes_total":
      totals.readBytes += amount;
      return;
    case "istio_response_bytes_sum":
    case "istio_tcp_sent_bytes_total":
      totals.writtenBytes += amount;
      return;
  }
}

/**
 * How many connections a series stands for at a time: TCP opened less closed, HTTP by the connection managers' own gauge, of which only the
 * newest value is kept. `isCurrent`: the newest scrape had the series. Units: ms. Source: Envoy's `downstream_cx_active` of the inbound listener.
 */
export function openConnections(stored: StoredSeries, atMs: number, isCurrent: boolean): number {
  const { series } = stored;
  const isPast = series.lastMs > atMs;
  if (!isPast && !isCurrent) return 0;
  const counted = () => series.last - (isPast ? series.increase(atMs, false) : 0);
  switch (stored.metric) {
    case "istio_tcp_connections_opened_total":
      return counted();
    case "istio_tcp_connections_closed_total":
      return -counted();
    case "envoy_http_downstream_cx_active": {
      const isInbound = (series.labels.get("envoy_http_conn_manager_prefix") ?? "").startsWith("inbound_");
      return isInbound && !isPast ? series.last : 0;
    }
    default:
      return 0;
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
