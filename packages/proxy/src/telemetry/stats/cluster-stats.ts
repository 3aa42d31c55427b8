import { ResponseCodes } from "../../counters/response-codes.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { ClusterCounters } from "../../upstream/counters.ts";
import { OUTLIER_KINDS } from "../../upstream/outlier-detector.ts";
import { codeStats, timeStats, withoutPart } from "./answer-stats.ts";
import { counter, type EnvoyStat, gauge, histogram, readRows, type StatRow } from "./stat.ts";

/** Every cluster has these. */
export const CLUSTER_ROWS: readonly StatRow<Cluster>[] = [
  ["circuit_breakers.default.cx_open", (c) => open(c.counters.connections, c.config.limits.maxConnections), "gauge"],
  ["circuit_breakers.default.rq_open", (c) => open(c.counters.requests, c.config.limits.maxRequests), "gauge"],
  [
    "circuit_breakers.default.rq_pending_open",
    (c) => open(c.counters.pending, c.config.limits.maxPendingRequests),
    "gauge",
  ],
  ["circuit_breakers.default.rq_retry_open", (c) => open(c.counters.retries, c.config.limits.maxRetries), "gauge"],
  ["circuit_breakers.high.cx_open", (c) => open(c.counters.connections, c.config.highLimits.maxConnections), "gauge"],
  ["circuit_breakers.high.rq_open", (c) => open(c.counters.requests, c.config.highLimits.maxRequests), "gauge"],
  [
    "circuit_breakers.high.rq_pending_open",
    (c) => open(c.counters.pending, c.config.highLimits.maxPendingRequests),
    "gauge",
  ],
  ["circuit_breakers.high.rq_retry_open", (c) => open(c.counters.retries, c.config.highLimits.maxRetries), "gauge"],
  ["lb_healthy_panic", (c) => c.counters.panics],
  ["lb_local_cluster_not_ok", (c) => c.counters.localNotOk],
  ["lb_recalculate_zone_structures", (c) => c.counters.zoneRecalculated],
  ["lb_subsets_fallback", (c) => c.counters.subsetsFallback],
  ["lb_subsets_selected", (c) => c.counters.subsetsSelected],
  ["lb_zone_cluster_too_small", (c) => c.counters.zoneTooSmall],
  ["lb_zone_no_capacity_left", (c) => c.counters.zoneNoCapacity],
  ["lb_zone_routing_all_directly", (c) => c.counters.zoneDirect],
  ["lb_zone_routing_cross_zone", (c) => c.counters.zoneCross],
  ["lb_zone_routing_sampled", (c) => c.counters.zoneSampled],
  ["membership_change", (c) => c.counters.membershipChanges],
  ["membership_degraded", (c) => c.hosts.filter((host) => host.healthy && host.degraded).length, "gauge"],
  ["membership_healthy", (c) => c.hosts.filter((host) => host.healthy && !host.degraded).length, "gauge"],
  ["membership_total", (c) => c.hosts.length, "gauge"],
  ["update_attempt", (c) => c.counters.updateAttempts],
  ["update_failure", (c) => c.counters.updateFailures],
  ["update_success", (c) => c.counters.updateSuccesses],
  ["upstream_cx_active", (c) => c.counters.connections, "gauge"],
  ["upstream_cx_connect_attempts_exceeded", (c) => c.counters.attemptsExceeded],
  ["upstream_cx_connect_fail", (c) => c.counters.connectFailures],
  ["upstream_cx_connect_timeout", (c) => c.counters.connectTimeouts],
  ["upstream_cx_destroy", (c) => c.counters.connectionsDestroyed],
  ["upstream_cx_destroy_local", (c) => c.counters.destroyedLocal],
  ["upstream_cx_destroy_local_with_active_rq", (c) => c.counters.destroyedLocalBusy],
  ["upstream_cx_destroy_remote", (c) => c.counters.destroyedRemote],
  ["upstream_cx_destroy_remote_with_active_rq", (c) => c.counters.destroyedRemoteBusy],
  ["upstream_cx_destroy_with_active_rq", (c) => c.counters.destroyedLocalBusy + c.counters.destroyedRemoteBusy],
  ["upstream_cx_http1_total", (c) => c.counters.connectionsHttp1],
  ["upstream_cx_http2_total", (c) => c.counters.connectionsHttp2],
  ["upstream_cx_idle_timeout", (c) => c.counters.connectionIdleTimeouts],
  ["upstream_cx_max_duration_reached", (c) => c.counters.connectionMaxDuration],
  ["upstream_cx_max_requests", (c) => c.counters.connectionMaxRequests],
  ["upstream_cx_none_healthy", (c) => c.counters.noHealthyHost],
  ["upstream_cx_overflow", (c) => c.counters.connectionOverflow],
  ["upstream_cx_protocol_error", (c) => c.counters.protocolErrors],
  ["upstream_cx_rx_bytes_total", (c) => c.counters.bytesReceived],
  ["upstream_cx_total", (c) => c.counters.connectionsTotal],
  ["upstream_cx_tx_bytes_total", (c) => c.counters.bytesSent],
  ["upstream_internal_redirect_failed_total", (c) => c.counters.redirectsFailed],
  ["upstream_internal_redirect_succeeded_total", (c) => c.counters.redirectsFollowed],
  ["upstream_rq_active", (c) => Math.max(0, c.counters.requests - c.counters.pending), "gauge"],
  ["upstream_rq_active_overflow", (c) => c.counters.requestOverflow],
  ["upstream_rq_cancelled", (c) => c.counters.cancelled],
  ["upstream_rq_max_duration_reached", (c) => c.counters.streamMaxDuration],
  ["upstream_rq_pending_active", (c) => c.counters.pending, "gauge"],
  ["upstream_rq_pending_failure_eject", (c) => c.counters.pendingFailures],
  ["upstream_rq_pending_overflow", (c) => c.counters.pendingOverflow],
  ["upstream_rq_pending_total", (c) => c.counters.pendingTotal],
  ["upstream_rq_per_try_idle_timeout", (c) => c.counters.tryIdleTimeouts],
  ["upstream_rq_per_try_timeout", (c) => c.counters.tryTimeouts],
  ["upstream_rq_retry", (c) => c.counters.retriesTotal],
  ["upstream_rq_retry_backoff_exponential", (c) => c.counters.retriesTotal - c.counters.retriesByServer],
  ["upstream_rq_retry_backoff_ratelimited", (c) => c.counters.retriesByServer],
  ["upstream_rq_retry_limit_exceeded", (c) => c.counters.retriesUsedUp],
  ["upstream_rq_retry_overflow", (c) => c.counters.retryOverflow],
  ["upstream_rq_retry_success", (c) => c.counters.retrySuccess],
  ["upstream_rq_rx_reset", (c) => c.counters.receivedResets],
  ["upstream_rq_timeout", (c) => c.counters.timeouts],
  ["upstream_rq_total", (c) => c.counters.requestsTotal],
  ["upstream_rq_tx_reset", (c) => c.counters.sentResets],
  ["warming_state", (c) => flag(!c.ready), "gauge"],
];

/** Clusters with `track_remaining`. */
export const REMAINING_ROWS: readonly StatRow<Cluster>[] = [
  ["remaining_cx", (c) => left(c.config.limits.maxConnections, c.counters.connections), "gauge"],
  ["remaining_pending", (c) => left(c.config.limits.maxPendingRequests, c.counters.pending), "gauge"],
  ["remaining_retries", (c) => left(c.config.limits.maxRetries, c.counters.retries), "gauge"],
  ["remaining_rq", (c) => left(c.config.limits.maxRequests, c.counters.requests), "gauge"],
];

/** Clusters with TLS. */
export const TLS_ROWS: readonly StatRow<ClusterCounters>[] = [
  ["ssl.connection_error", (c) => c.tlsErrors - c.tlsNameErrors - c.tlsChainErrors - c.tlsNoCertificate],
  ["ssl.fail_verify_error", (c) => c.tlsChainErrors],
  ["ssl.fail_verify_no_cert", (c) => c.tlsNoCertificate],
  ["ssl.fail_verify_san", (c) => c.tlsNameErrors],
  ["ssl.handshake", (c) => c.tlsHandshakes],
  ["ssl.session_reused", (c) => c.tlsReused],
];

/** Clusters that ask HTTP/2 peers for signs of life. */
export const KEEP_ALIVE_ROWS: readonly StatRow<ClusterCounters>[] = [
  ["http2.keepalive_timeout", (c) => c.keepAliveTimeouts],
];

/** Clusters with active health checks. */
export const CHECK_ROWS: readonly StatRow<Cluster>[] = [
  ["health_check.attempt", (c) => c.counters.checkAttempts],
  ["health_check.degraded", (c) => c.hosts.filter((host) => !host.checkFailed && host.degraded).length, "gauge"],
  ["health_check.failure", (c) => c.counters.checkFailures],
  ["health_check.healthy", (c) => c.hosts.filter((host) => !host.checkFailed).length, "gauge"],
  ["health_check.network_failure", (c) => c.counters.checkNetworkFailures],
  ["health_check.success", (c) => c.counters.checkSuccesses],
];

/** All that one cluster counts. */
export function* clusterStats(cluster: Cluster): Iterable<EnvoyStat> {
  const { config, counters, outlier } = cluster;
  const prefix = `cluster.${config.statName}.`;
  yield* readRows(CLUSTER_ROWS, prefix, cluster);
  if (config.limits.trackRemaining) yield* readRows(REMAINING_ROWS, `${prefix}circuit_breakers.default.`, cluster);
  if (config.tls !== undefined || config.transportMatches.some(({ tls }) => tls !== undefined)) {
    yield* readRows(TLS_ROWS, prefix, counters);
    for (const [name, value] of counters.tls ?? []) yield counter(`${prefix}ssl.${name}`, value);
  }
  if (config.http.http2.keepAlive !== undefined) yield* readRows(KEEP_ALIVE_ROWS, prefix, counters);
  if (config.healthChecks.length > 0) yield* readRows(CHECK_ROWS, prefix, cluster);
  if (outlier !== undefined) {
    const at = `${prefix}outlier_detection.ejections_`;
    yield gauge(`${at}active`, outlier.ejectionsActive);
    yield counter(`${at}enforced_total`, outlier.ejectionsTotal);
    yield counter(`${at}total`, outlier.ejectionsTotal);
    yield counter(`${at}overflow`, outlier.overflow);
    for (const kind of OUTLIER_KINDS) {
      yield counter(`${at}detected_${kind}`, outlier.detected[kind]);
      yield counter(`${at}enforced_${kind}`, outlier.enforced[kind]);
    }
  }
  const { answers, internal, canary, retried } = counters;
  yield* codeStats(prefix, answers.codes);
  const external = outside(answers.codes, internal?.codes);
  if (external.completed > 0) yield* codeStats(`${prefix}external.`, external);
  const time = answers.time.report();
  yield* timeStats(`${prefix}upstream_rq_time`, time);
  yield* timeStats(`${prefix}external.upstream_rq_time`, withoutPart(time, internal?.time.report()));
  if (internal !== undefined) {
    yield* codeStats(`${prefix}internal.`, internal.codes);
    yield* timeStats(`${prefix}internal.upstream_rq_time`, internal.time.report());
  }
  if (canary !== undefined) {
    yield* codeStats(`${prefix}canary.`, canary.codes);
    yield* timeStats(`${prefix}canary.upstream_rq_time`, canary.time.report());
  }
  if (retried !== undefined) yield* codeStats(`${prefix}retry.`, retried);
  yield histogram(`${prefix}upstream_cx_connect_ms`, counters.connectTime.report());
  yield histogram(`${prefix}upstream_cx_length_ms`, counters.connectionTime.report());
  yield histogram(`${prefix}upstream_rq_per_cx`, counters.requestsOfConnections.report());
  for (const [name, value] of counters.named) yield counter(`${prefix}${name}`, value);
}

function outside(all: ResponseCodes, internal: ResponseCodes | undefined): ResponseCodes {
  if (internal === undefined) return all;
  const rest = new ResponseCodes();
  const inside = new Map(internal.seen());
  for (const [status, count] of all.seen()) rest.count(status, count - (inside.get(status) ?? 0));
  return rest;
}

/** Source: Envoy: a limit of 0 refuses everything and is never "open". */
function open(used: number, limit: number): number {
  return flag(limit > 0 && used >= limit);
}

function flag(on: boolean): number {
  return on ? 1 : 0;
}

function left(limit: number, used: number): number {
  return Math.max(0, limit - used);
}
