import type { StatKind, StatRow } from "@heddle/viz";
import { renderTable } from "../output.ts";
import { ms, rate, share } from "./figure-text.ts";

const RIGHT = [
  "MESHED",
  "SUCCESS",
  "RPS",
  "LATENCY_P50",
  "LATENCY_P95",
  "LATENCY_P99",
  "TCP_CONN",
  "READ_BYTES/SEC",
  "WRITE_BYTES/SEC",
];

export interface StatTableOptions {
  readonly allNamespaces: boolean;
  readonly wide: boolean;
}

/** Linkerd's `viz stat` table: same columns, same number forms. */
export function statTable(rows: readonly StatRow<StatKind>[], options: StatTableOptions): string {
  const pods = rows.some((r) => r.status !== "");
  // A host that was asked for has no pods of its own, nor connections.
  const ofPods = rows.some((r) => r.kind !== "authority");
  const header = [
    ...(options.allNamespaces ? ["NAMESPACE"] : []),
    "NAME",
    ...(pods ? ["STATUS"] : []),
    "MESHED",
    "SUCCESS",
    "RPS",
    "LATENCY_P50",
    "LATENCY_P95",
    "LATENCY_P99",
    ...(ofPods ? ["TCP_CONN"] : []),
    ...(ofPods && options.wide ? ["READ_BYTES/SEC", "WRITE_BYTES/SEC"] : []),
  ];
  const lines = rows.map((r) => [
    ...(options.allNamespaces ? [r.namespace] : []),
    r.name,
    ...(pods ? [r.status || "-"] : []),
    ofPods ? `${r.meshed}/${r.pods}` : "-",
    share(r.success),
    rate(r.rps),
    ms(r.latencyMsP50),
    ms(r.latencyMsP95),
    ms(r.latencyMsP99),
    ...(ofPods ? [r.meshed === 0 ? "-" : String(r.tcpOpenConnections)] : []),
    ...(ofPods && options.wide ? [`${r.tcpReadBytesRate.toFixed(1)}B/s`, `${r.tcpWriteBytesRate.toFixed(1)}B/s`] : []),
  ]);
  return renderTable(header, lines, RIGHT);
}

/** Linkerd's `-o json` rows, with the exact counts added. */
export function statJson(rows: readonly StatRow<StatKind>[]): string {
  const out = rows.map((r) => ({
    namespace: r.namespace,
    kind: r.kind,
    name: r.name,
    ...(r.status === "" ? {} : { status: r.status }),
    ...(r.kind === "authority" ? {} : { meshed: `${r.meshed}/${r.pods}` }),
    success: r.success,
    rps: r.rps,
    latency_ms_p50: r.latencyMsP50,
    latency_ms_p95: r.latencyMsP95,
    latency_ms_p99: r.latencyMsP99,
    tcp_open_connections: r.tcpOpenConnections,
    tcp_read_bytes_rate: r.tcpReadBytesRate,
    tcp_write_bytes_rate: r.tcpWriteBytesRate,
    requests: r.requests,
    failures: r.failures,
  }));
  return `${JSON.stringify(out, null, 2)}\n`;
}
