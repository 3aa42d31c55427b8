import type { RouteRow } from "@heddle/viz";
import { renderTable } from "../output.ts";
import { ms, rate, share } from "./figure-text.ts";

/** Linkerd's table of `viz routes`; wide says what callers saw and what was really sent, retries included. */
export function routesTable(rows: readonly RouteRow[], wide: boolean): string {
  const rates = wide ? ["EFFECTIVE_SUCCESS", "EFFECTIVE_RPS", "ACTUAL_SUCCESS", "ACTUAL_RPS"] : ["SUCCESS", "RPS"];
  const header = ["ROUTE", "SERVICE", ...rates, "LATENCY_P50", "LATENCY_P95", "LATENCY_P99"];
  const lines = rows.map((row) => [
    row.route,
    row.service,
    share(row.success),
    rate(row.rps),
    ...(wide ? [share(row.actualSuccess), rate(row.actualRps)] : []),
    ms(row.latencyMsP50),
    ms(row.latencyMsP95),
    ms(row.latencyMsP99),
  ]);
  return renderTable(header, lines, header.slice(2));
}

/** Linkerd's JSON: an object with one list per resource asked for. */
export function routesJson(rows: readonly RouteRow[], resource: string): string {
  const list = rows.map((row) => ({
    route: row.route,
    authority: row.service,
    effective_success: row.success,
    effective_rps: row.rps,
    actual_success: row.actualSuccess,
    actual_rps: row.actualRps,
    latency_ms_p50: row.latencyMsP50,
    latency_ms_p95: row.latencyMsP95,
    latency_ms_p99: row.latencyMsP99,
  }));
  return `${JSON.stringify({ [resource]: list }, null, 2)}\n`;
}
