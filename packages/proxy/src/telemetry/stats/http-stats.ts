import type { RouteCounters } from "../../counters/route-counters.ts";
import type { HttpManagerCounters } from "../../http/manager-counters.ts";
import type { TcpCounters } from "../../network/tcp-counters.ts";
import { codeStats } from "./answer-stats.ts";
import { counter, type EnvoyStat, histogram, readRows, type StatRow } from "./stat.ts";

/** Every connection manager has these. */
export const HTTP_ROWS: readonly StatRow<HttpManagerCounters>[] = [
  ["downstream_cx_active", (c) => c.connectionsActive, "gauge"],
  ["downstream_cx_destroy", (c) => c.destroyedLocal + c.destroyedRemote],
  ["downstream_cx_destroy_active_rq", (c) => c.destroyedLocalBusy + c.destroyedRemoteBusy],
  ["downstream_cx_destroy_local", (c) => c.destroyedLocal],
  ["downstream_cx_destroy_local_active_rq", (c) => c.destroyedLocalBusy],
  ["downstream_cx_destroy_remote", (c) => c.destroyedRemote],
  ["downstream_cx_destroy_remote_active_rq", (c) => c.destroyedRemoteBusy],
  ["downstream_cx_drain_close", (c) => c.drainCloses],
  ["downstream_cx_http1_active", (c) => c.connectionsHttp1Active, "gauge"],
  ["downstream_cx_http1_total", (c) => c.connectionsHttp1],
  ["downstream_cx_http2_active", (c) => c.connectionsHttp2Active, "gauge"],
  ["downstream_cx_http2_total", (c) => c.connectionsHttp2],
  ["downstream_cx_idle_timeout", (c) => c.idleTimeouts],
  ["downstream_cx_max_duration_reached", (c) => c.maxDuration],
  ["downstream_cx_max_requests_reached", (c) => c.maxRequests],
  ["downstream_cx_overload_disable_keepalive", (c) => c.overloadNoKeepAlive],
  ["downstream_cx_protocol_error", (c) => c.protocolErrors],
  ["downstream_cx_rx_bytes_total", (c) => c.bytesReceived],
  ["downstream_cx_ssl_active", (c) => c.connectionsTlsActive, "gauge"],
  ["downstream_cx_ssl_total", (c) => c.connectionsTls],
  ["downstream_cx_total", (c) => c.connectionsTotal],
  ["downstream_cx_tx_bytes_total", (c) => c.bytesSent],
  ["downstream_cx_upgrades_active", (c) => c.upgradesActive, "gauge"],
  ["downstream_cx_upgrades_total", (c) => c.upgrades],
  ["downstream_rq_1xx", (c) => c.statusClasses[1] ?? 0],
  ["downstream_rq_2xx", (c) => c.statusClasses[2] ?? 0],
  ["downstream_rq_3xx", (c) => c.statusClasses[3] ?? 0],
  ["downstream_rq_4xx", (c) => c.statusClasses[4] ?? 0],
  ["downstream_rq_5xx", (c) => c.statusClasses[5] ?? 0],
  ["downstream_rq_active", (c) => c.requestsActive, "gauge"],
  ["downstream_rq_completed", (c) => c.completed],
  ["downstream_rq_failed_path_normalization", (c) => c.refusedPaths],
  ["downstream_rq_redirected_with_normalized_path", (c) => c.redirectedPaths],
  ["downstream_rq_header_timeout", (c) => c.headerTimeouts],
  ["downstream_rq_http1_total", (c) => c.requestsHttp1],
  ["downstream_rq_http2_total", (c) => c.requestsHttp2],
  ["downstream_rq_idle_timeout", (c) => c.streamIdleTimeouts],
  ["downstream_rq_max_duration_reached", (c) => c.streamMaxDuration],
  ["downstream_rq_overload_close", (c) => c.overloadClosed],
  ["downstream_rq_response_before_rq_complete", (c) => c.earlyAnswers],
  ["downstream_rq_rx_reset", (c) => c.receivedResets],
  ["downstream_rq_timeout", (c) => c.requestTimeouts],
  ["downstream_rq_too_large", (c) => c.tooLarge],
  ["downstream_rq_total", (c) => c.requestsTotal],
  ["downstream_rq_tx_reset", (c) => c.sentResets],
  ["downstream_rq_ws_on_non_ws_route", (c) => c.refusedUpgrades],
  ["no_cluster", (c) => c.noCluster],
  ["no_route", (c) => c.noRoute],
  ["rq_direct_response", (c) => c.direct],
  ["downstream_cx_delayed_close_timeout", (c) => c.delayedCloses],
  ["rq_reset_after_downstream_response_started", (c) => c.resetAfterStart],
  ["rq_total", (c) => c.routed],
];

/** Routes with a `stat_prefix`, and virtual clusters. */
export const ROUTE_ROWS: readonly StatRow<RouteCounters>[] = [
  ["upstream_rq_retry", (c) => c.retries],
  ["upstream_rq_retry_limit_exceeded", (c) => c.retriesUsedUp],
  ["upstream_rq_retry_overflow", (c) => c.retryOverflow],
  ["upstream_rq_retry_success", (c) => c.retrySuccess],
  ["upstream_rq_timeout", (c) => c.timeouts],
  ["upstream_rq_total", (c) => c.requestsTotal],
];

export const TCP_ROWS: readonly StatRow<TcpCounters>[] = [
  ["downstream_cx_no_route", (c) => c.noRoute],
  ["downstream_cx_rx_bytes_total", (c) => c.bytesReceived],
  ["downstream_cx_total", (c) => c.connectionsTotal],
  ["downstream_cx_tx_bytes_total", (c) => c.bytesSent],
  ["idle_timeout", (c) => c.idleTimeouts],
  ["max_downstream_connection_duration", (c) => c.maxDuration],
];

export function* httpStats(name: string, counters: HttpManagerCounters): Iterable<EnvoyStat> {
  const prefix = `http.${name}.`;
  yield* readRows(HTTP_ROWS, prefix, counters);
  yield histogram(`${prefix}downstream_rq_time`, counters.requestTime.report());
  yield histogram(`${prefix}downstream_cx_length_ms`, counters.connectionTime.report());
  for (const [leaf, value] of counters.filters) yield counter(prefix + leaf, value);
}

export function* routeStats(name: string, counters: RouteCounters): Iterable<EnvoyStat> {
  const prefix = `${name}.`;
  yield* readRows(ROUTE_ROWS, prefix, counters);
  yield* codeStats(prefix, counters.codes);
  yield histogram(`${prefix}upstream_rq_time`, counters.time.report());
}

export function* tcpStats(name: string, counters: TcpCounters): Iterable<EnvoyStat> {
  yield* readRows(TCP_ROWS, `tcp.${name}.`, counters);
}
