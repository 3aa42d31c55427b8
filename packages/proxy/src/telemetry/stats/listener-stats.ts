import type { ListenerHttpCounters } from "../../http/manager-counters.ts";
import type { InspectorCounters, ListenerCounters } from "../../listener/listener-counters.ts";
import { counter, type EnvoyStat, histogram, readRows, type StatRow } from "./stat.ts";

/** Every listener has these. */
export const LISTENER_ROWS: readonly StatRow<ListenerCounters>[] = [
  ["downstream_cx_active", (c) => c.connectionsActive, "gauge"],
  ["downstream_cx_destroy", (c) => c.connectionsDestroyed],
  ["downstream_cx_overflow", (c) => c.overOwnLimit],
  ["downstream_cx_overload_reject", (c) => c.rejected],
  ["downstream_cx_total", (c) => c.connectionsTotal],
  ["downstream_cx_transport_socket_connect_timeout", (c) => c.handshakeTimeouts],
  ["downstream_global_cx_overflow", (c) => c.overLimit],
  ["downstream_listener_filter_remote_close", (c) => c.inspectGone],
  ["downstream_pre_cx_active", (c) => c.inspecting, "gauge"],
  ["downstream_pre_cx_timeout", (c) => c.inspectTimeouts],
  ["no_filter_chain_match", (c) => c.noChainMatch],
];

/** Listeners with a chain that has TLS. */
export const LISTENER_TLS_ROWS: readonly StatRow<ListenerCounters>[] = [
  ["ssl.connection_error", (c) => c.tlsErrors - c.tlsNameErrors - c.tlsChainErrors - c.tlsNoCertificate],
  ["ssl.fail_verify_error", (c) => c.tlsChainErrors],
  ["ssl.fail_verify_no_cert", (c) => c.tlsNoCertificate],
  ["ssl.fail_verify_san", (c) => c.tlsNameErrors],
  ["ssl.handshake", (c) => c.tlsHandshakes],
  ["ssl.no_certificate", (c) => c.tlsNoClientCertificate],
  ["ssl.session_reused", (c) => c.tlsReused],
];

export const LISTENER_HTTP_ROWS: readonly StatRow<ListenerHttpCounters>[] = [
  ["downstream_rq_1xx", (c) => c.statusClasses[1] ?? 0],
  ["downstream_rq_2xx", (c) => c.statusClasses[2] ?? 0],
  ["downstream_rq_3xx", (c) => c.statusClasses[3] ?? 0],
  ["downstream_rq_4xx", (c) => c.statusClasses[4] ?? 0],
  ["downstream_rq_5xx", (c) => c.statusClasses[5] ?? 0],
  ["downstream_rq_completed", (c) => c.completed],
];

export const INSPECTOR_ROWS: readonly StatRow<InspectorCounters>[] = [
  ["alpn_found", (c) => c.alpn],
  ["alpn_not_found", (c) => c.noAlpn],
  ["sni_found", (c) => c.sni],
  ["sni_not_found", (c) => c.noSni],
  ["tls_found", (c) => c.tls],
  ["tls_not_found", (c) => c.plain],
];

/** @param worker Number of the process among its workers. */
export function* listenerStats(
  address: string,
  counters: ListenerCounters,
  worker: number,
  secure: boolean,
): Iterable<EnvoyStat> {
  const prefix = `listener.${address}.`;
  yield* readRows(LISTENER_ROWS, prefix, counters);
  yield { name: `${prefix}worker_${worker}.downstream_cx_active`, kind: "gauge", value: counters.connectionsActive };
  yield counter(`${prefix}worker_${worker}.downstream_cx_total`, counters.connectionsTotal);
  if (secure) {
    yield* readRows(LISTENER_TLS_ROWS, prefix, counters);
    for (const [name, value] of counters.tls) yield counter(`${prefix}ssl.${name}`, value);
  }
  for (const [name, http] of counters.http) yield* readRows(LISTENER_HTTP_ROWS, `${prefix}http.${name}.`, http);
  yield histogram(`${prefix}downstream_cx_length_ms`, counters.connectionTime.report());
}
