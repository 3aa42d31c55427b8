import type { StatRow } from "@heddle/viz";
import { renderTable } from "../output.ts";

export interface SideRow {
  readonly row: StatRow;
  /** Who answered, where the row's resource asked. */
  readonly service: string;
}

type Side = "inbound" | "outbound";

const dash = (value: number | null, show: (n: number) => string) => (value === null ? "-" : show(value));
const ms = (value: number | null) => dash(value, (n) => `${Math.round(n)}ms`);

const LEADING: Readonly<Record<Side, readonly string[]>> = {
  inbound: ["NAME", "SERVER", "ROUTE", "TYPE"],
  outbound: ["NAME", "SERVICE", "ROUTE", "TYPE", "BACKEND"],
};

/** Linkerd's tables of `stat-inbound` and `stat-outbound`. */
export function sideTable(rows: readonly SideRow[], side: Side): string {
  const header = [...LEADING[side], "SUCCESS", "RPS", "LATENCY_P50", "LATENCY_P95", "LATENCY_P99"];
  const lines = rows.map(({ row, service }) => {
    const leading = {
      inbound: [row.name, "[default]", "[default]", ""],
      outbound: [row.name, service, "[default]", "", service],
    }[side];
    const rates = [dash(row.success, (n) => `${(n * 100).toFixed(2)}%`), dash(row.rps, (n) => `${n.toFixed(1)}rps`)];
    return [...leading, ...rates, ms(row.latencyMsP50), ms(row.latencyMsP95), ms(row.latencyMsP99)];
  });
  return renderTable(header, lines, header.slice(LEADING[side].length));
}

export function sideJson(rows: readonly SideRow[], side: Side): string {
  const out = rows.map(({ row, service }) => ({
    namespace: row.namespace,
    name: row.name,
    ...(side === "inbound" ? { server: "[default]" } : { service }),
    route: "[default]",
    success: row.success,
    rps: row.rps,
    latency_ms_p50: row.latencyMsP50,
    latency_ms_p95: row.latencyMsP95,
    latency_ms_p99: row.latencyMsP99,
  }));
  return `${JSON.stringify(out, null, 2)}\n`;
}
