// Hot path: once per answer of a forwarded request.
import { HEADER_ID } from "@heddle/wire";
import type { RouteCounters } from "../counters/route-counters.ts";
import { Answers } from "../upstream/counters.ts";
import type { ExchangeRecord } from "./exchange-record.ts";

/** An exchange as it is counted. */
export interface ChargedExchange extends ExchangeRecord {
  /** Undefined where the virtual host has no virtual clusters. */
  readonly virtualCluster: RouteCounters | undefined;
}

const INTERNAL = HEADER_ID["x-envoy-internal"];

/** Counts an answer that the client gets for its cluster, its route and its virtual cluster. Source: Envoy `Http::CodeStatsImpl::chargeResponseStat`. */
export function chargeAnswer(exchange: ChargedExchange, status: number): void {
  const { cluster, route } = exchange;
  if (cluster === undefined) return;
  const { counters } = cluster;
  counters.answers.codes.count(status);
  if (exchange.request.headers.getId(INTERNAL) === "true") {
    counters.internal ??= new Answers();
    counters.internal.codes.count(status);
  }
  if (exchange.host?.canary === true) {
    counters.canary ??= new Answers();
    counters.canary.codes.count(status);
  }
  route?.counters?.codes.count(status);
  exchange.virtualCluster?.codes.count(status);
}

/** Counts a try that found a connection for its route and virtual cluster. */
export function chargeTry(exchange: ChargedExchange): void {
  const counted = exchange.route?.counters;
  if (counted !== undefined) counted.requestsTotal++;
  if (exchange.virtualCluster !== undefined) exchange.virtualCluster.requestsTotal++;
}

/** Counts that the route's time is over. `unanswered`: nothing of the answer has come. */
export function chargeTimeout(exchange: ChargedExchange, unanswered: boolean): void {
  const { cluster, host, route } = exchange;
  if (cluster !== undefined) cluster.counters.timeouts++;
  const counted = route?.counters;
  if (counted !== undefined) counted.timeouts++;
  if (exchange.virtualCluster !== undefined) exchange.virtualCluster.timeouts++;
  if (host === undefined) return;
  host.stats.rqTimeout++;
  // Source: Envoy: a host that keeps clients waiting for too long is an outlier too.
  if (unanswered) cluster?.outlier?.onLocalFailure(host);
}

/** Counts how long an answer of the upstream took. Units: ms. */
export function chargeTime(exchange: ChargedExchange, ms: number): void {
  const { cluster, route } = exchange;
  if (cluster === undefined) return;
  const { counters } = cluster;
  counters.answers.time.record(ms);
  if (counters.internal !== undefined && exchange.request.headers.getId(INTERNAL) === "true")
    counters.internal.time.record(ms);
  if (counters.canary !== undefined && exchange.host?.canary === true) counters.canary.time.record(ms);
  route?.counters?.time.record(ms);
  exchange.virtualCluster?.time.record(ms);
}
