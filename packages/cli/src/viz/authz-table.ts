import type { StatRow } from "@heddle/viz";
import { renderTable } from "../output.ts";
import { ms, rate, share } from "./figure-text.ts";

/** A workload with what guards it. */
export interface AuthzRow {
  readonly server: string;
  readonly authorizations: readonly string[];
  /** Of its pods. */
  readonly stats: readonly StatRow[];
}

/** What Linkerd calls it when nothing guards a workload. */
const UNGUARDED = "default:all-unauthenticated";
const HEADER = ["ROUTE", "SERVER", "AUTHORIZATION", "UNAUTHORIZED", "SUCCESS", "RPS", "P50", "P95", "P99"].map((h) =>
  /^P\d/.test(h) ? `LATENCY_${h}` : h,
);

export function authzTable(rows: readonly AuthzRow[]): string {
  const lines = rows.map((row) => [
    "default",
    row.server,
    row.authorizations.join(",") || UNGUARDED,
    ...figureCells(figures(row)),
  ]);
  return renderTable(HEADER, lines, HEADER.slice(3));
}

export function authzJson(rows: readonly AuthzRow[]): string {
  const out = rows.map((row) => ({
    route: "default",
    server: row.server,
    authorization: row.authorizations.join(",") || UNGUARDED,
    ...figureFields(figures(row)),
  }));
  return `${JSON.stringify(out, null, 2)}\n`;
}

export type AuthzFigures = ReturnType<typeof figures>;

/** From UNAUTHORIZED to LATENCY_P99. */
export function figureCells(f: AuthzFigures): readonly string[] {
  return [rate(f.unauthorized), share(f.success), rate(f.rps), ms(f.p50), ms(f.p95), ms(f.p99)];
}

/** The same in JSON. */
export function figureFields(f: AuthzFigures) {
  return {
    unauthorized: f.unauthorized,
    success: f.success,
    rps: f.rps,
    latency_ms_p50: f.p50,
    latency_ms_p95: f.p95,
    latency_ms_p99: f.p99,
  };
}

/** Rates of all pods together, without what was refused; of latencies the slowest pod's, as quantiles don't add up. */
export function figures({ stats }: Pick<AuthzRow, "stats">) {
  const total = (pick: (row: StatRow) => number) => stats.reduce((sum, row) => sum + pick(row), 0);
  const slowest = (pick: (row: StatRow) => number | null) =>
    stats.reduce<number | null>((worst, row) => {
      const value = pick(row);
      return value === null ? worst : Math.max(worst ?? 0, value);
    }, null);
  const [requests, failures, refused] = [
    total((r) => r.requests),
    total((r) => r.failures),
    total((r) => r.unauthorized),
  ];
  const rps = requests > 0 ? total((r) => r.rps ?? 0) : null;
  const perRequest = rps === null || requests === 0 ? 0 : rps / requests;
  // What was refused never reached the workload.
  const served = requests - refused;
  const failed = failures - total((r) => r.unauthorizedFailures);
  return {
    unauthorized: refused * perRequest,
    success: served > 0 ? (served - failed) / served : null,
    rps: rps === null ? null : served * perRequest,
    p50: slowest((r) => r.latencyMsP50),
    p95: slowest((r) => r.latencyMsP95),
    p99: slowest((r) => r.latencyMsP99),
  };
}
