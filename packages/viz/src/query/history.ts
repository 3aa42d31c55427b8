import type { Spark } from "../dashboard-contract.ts";
import type { MetricStore, StoredSeries } from "../store/store.ts";
import { isFailure } from "./classify.ts";
import type { Span } from "./totals.ts";

/** Steps of every history. */
export const STEPS = 30;
/** Share of failures from which a step counts as failing. */
const FAILING = 0.01;

/** Requests and failures per step. */
export interface History {
  readonly requests: Float64Array;
  readonly failures: Float64Array;
}

/** Histories by key in one pass over the series; `keysOf` says which rows a series counts for. */
export function histories(
  store: MetricStore,
  span: Span,
  keysOf: (stored: StoredSeries) => readonly string[],
): ReadonlyMap<string, History> {
  const found = new Map<string, History>();
  const stepMs = (span.toMs - span.fromMs) / STEPS;
  for (const stored of store.of("istio_requests_total")) {
    const keys = keysOf(stored);
    if (keys.length === 0) continue;
    const rows = keys.map((key) => historyAt(found, key));
    const failed = isFailure(stored.series.labels);
    stored.series.eachStep(span.fromMs, span.toMs, stored.bornAtZero, (time, amount) => {
      const step = Math.min(STEPS - 1, Math.max(0, Math.ceil((time - span.fromMs) / stepMs) - 1));
      for (const row of rows) {
        row.requests[step] = (row.requests[step] ?? 0) + amount;
        if (failed) row.failures[step] = (row.failures[step] ?? 0) + amount;
      }
    });
  }
  return found;
}

function historyAt(found: Map<string, History>, key: string): History {
  let row = found.get(key);
  if (!row) {
    row = { requests: new Float64Array(STEPS), failures: new Float64Array(STEPS) };
    found.set(key, row);
  }
  return row;
}

/** A history as rates; `sinceMs`: when anything was measured first, or NaN. */
export function sparkOf(history: History | undefined, span: Span, sinceMs: number): Spark {
  const stepMs = (span.toMs - span.fromMs) / STEPS;
  const isUnknown = (step: number) => span.fromMs + stepMs * (step + 1) <= sinceMs;
  const requests = [...(history?.requests ?? new Float64Array(STEPS))];
  return {
    rps: requests.map((n, i) => (isUnknown(i) ? null : Math.round((n / stepMs) * 1e6) / 1000)),
    success: requests.map((n, i) => (n === 0 ? null : (n - (history?.failures[i] ?? 0)) / n)),
  };
}

/** Start of the oldest step of the unbroken row of failing steps at the end; steps without requests do not break it. */
export function failingSince(history: History | undefined, span: Span): number | null {
  if (!history) return null;
  const stepMs = (span.toMs - span.fromMs) / STEPS;
  let since: number | null = null;
  for (let i = STEPS - 1; i >= 0; i--) {
    const requests = history.requests[i] ?? 0;
    if (requests === 0) continue;
    if ((history.failures[i] ?? 0) / requests <= FAILING) {
      // The newest seconds may hold too few requests to fail: one good step at the end says nothing yet.
      if (since === null && i >= STEPS - 2) continue;
      return since;
    }
    // By the step's length, so that it stays the same while time goes on.
    since = Math.ceil((span.fromMs + stepMs * i) / stepMs) * stepMs;
  }
  return since;
}
