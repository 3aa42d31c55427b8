import type { EdgeRow } from "@heddle/viz";
import { renderTable } from "../output.ts";

/** Linkerd's `viz edges` table; `wide` adds both identities. Where there is traffic of several clusters, it names them. */
export function edgesTable(rows: readonly EdgeRow[], wide: boolean): string {
  const several = rows.some(({ srcCluster }) => srcCluster !== undefined);
  const clusters = several ? ["SRC_CLUSTER", "DST_CLUSTER"] : [];
  const header = [
    "SRC",
    "DST",
    "SRC_NS",
    "DST_NS",
    ...clusters,
    ...(wide ? ["CLIENT_ID", "SERVER_ID"] : []),
    "SECURED",
  ];
  return renderTable(
    header,
    rows.map((e) => [
      e.src,
      e.dst,
      e.srcNamespace,
      e.dstNamespace,
      ...(several ? [e.srcCluster || "-", e.dstCluster || "-"] : []),
      ...(wide ? [e.clientId || "-", e.serverId || "-"] : []),
      e.secured ? "√" : `× (${e.noTlsReason})`,
    ]),
  );
}

export function edgesJson(rows: readonly EdgeRow[]): string {
  const out = rows.map((e) => ({
    src: e.src,
    src_namespace: e.srcNamespace,
    dst: e.dst,
    dst_namespace: e.dstNamespace,
    client_id: e.clientId,
    server_id: e.serverId,
    no_tls_reason: e.noTlsReason,
    requests: e.requests,
    failures: e.failures,
    ...(e.srcCluster === undefined ? {} : { src_cluster: e.srcCluster, dst_cluster: e.dstCluster }),
  }));
  return `${JSON.stringify(out, null, 2)}\n`;
}
