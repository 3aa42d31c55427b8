// Hot path: one per try of a request.
import { parseIp } from "@heddle/std";
import { HTTP_2, type RequestHead } from "@heddle/wire";
import type { RetryPolicyConfig } from "../config/retry-policy.ts";
import type { ForwardAction } from "../config/route-action.ts";
import { withoutPort } from "../router/route-table.ts";
import { parseAddress } from "../transport/address.ts";
import type { Cluster, TriedHosts } from "../upstream/cluster.ts";
import { type UpstreamFailure, upstreamFailure } from "../upstream/failure.ts";
import { createRawPool } from "../upstream/raw-pool.ts";
import { usableHost, wantedHost } from "../upstream/wanted-host.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { HttpManager } from "./connection-manager.ts";
import { type AttemptLimitsOwner, startAttemptLimits } from "./exchange-timers.ts";
import type { FailedTries } from "./failed-tries.ts";
import { endsTunnel, type ForwardedExchange, upstreamAlpn } from "./forward-request.ts";
import { avoidedHosts, excludedPriorities } from "./retry-decision.ts";

/** A try at a host that the cluster chooses, not started yet; or why there can be none. */
export function prepareAttempt(
  exchange: ForwardedExchange & AttemptOwner & AttemptLimitsOwner,
  cluster: Cluster,
  action: ForwardAction | undefined,
  retry: RetryPolicyConfig | undefined,
  failed: FailedTries | undefined,
  manager: HttpManager,
): Attempt | UpstreamFailure {
  const { discovery } = cluster.config;
  if (discovery.kind === "original-dst" && discovery.header !== "") {
    const original = parseAddress(exchange.request.headers.get(discovery.header) ?? "");
    if (original !== undefined)
      exchange.criteria = { hash: exchange.criteria?.hash, subset: exchange.criteria?.subset, original };
  }
  const tried = failed?.tries.map(({ host }) => host);
  const avoided = tried === undefined ? NONE : avoidedHosts(retry, tried, cluster);
  const excluded = tried === undefined ? undefined : excludedPriorities(retry, tried, cluster);
  const wanted = tried === undefined ? exchange.marks?.wantedHost : undefined;
  const asked = wanted && wantedHost(cluster, wanted.address);
  let host = asked && usableHost(cluster, asked);
  if (host === undefined && wanted?.strict !== true)
    host = cluster.pick(exchange.connection.original, avoided, retry?.hostAttempts ?? 1, exchange.criteria, excluded);
  if (host === undefined) {
    cluster.counters.noHealthyHost++;
    const failure = upstreamFailure("no-healthy-host", "the cluster has no healthy endpoint");
    return wanted?.strict === true && asked === undefined ? { ...failure, status: wanted.status } : failure;
  }
  const limits = action?.highPriority === true ? cluster.config.highLimits : cluster.config.limits;
  if (cluster.counters.requests >= limits.maxRequests) {
    cluster.counters.requestOverflow++;
    const failure = upstreamFailure("overflow", "too many requests to the cluster (circuit breaker)");
    manager.tryLogs?.refused(exchange, cluster, failure);
    return failure;
  }
  const { protocol } = cluster.config.http;
  const http2 = protocol === "http2" || (protocol === "downstream" && exchange.request.version === HTTP_2);
  const alpn = upstreamAlpn(exchange, http2, manager);
  const connect = action?.connect;
  const serverName = serverNameOf(cluster, exchange.request);
  const pool =
    connect !== undefined && endsTunnel(connect, exchange.request)
      ? createRawPool(cluster, host, alpn, connect.proxyProtocol, exchange.connection)
      : cluster.pool(host, http2, alpn, exchange.connection, serverName);
  cluster.preconnect?.((next) => cluster.pool(next, http2, alpn, exchange.connection, serverName));
  const watched = manager.tryLogs?.watch(exchange, cluster, host);
  const attempt = new Attempt(watched ?? exchange, cluster, host, pool);
  const quietMs = retry === undefined ? 0 : retry.perTryIdleMs;
  const longestMs = cluster.config.http.maxStreamMs;
  if (quietMs > 0 || longestMs > 0)
    attempt.limits = startAttemptLimits(exchange, attempt, manager.wheel, quietMs, longestMs);
  if (watched !== undefined) {
    watched.limits = attempt.limits;
    attempt.limits = watched;
  }
  return attempt;
}

/** The name by which TLS asks for the server of a request; undefined: as configured. */
function serverNameOf(cluster: Cluster, request: RequestHead): string | undefined {
  const header = cluster.config.http.autoSniHeader;
  if (header === "") return undefined;
  const value = header === ":authority" ? request.authority : request.headers.get(header);
  const name = withoutPort(value ?? "");
  // TLS has no names for addresses.
  return name === "" || parseIp(name) !== undefined || name.startsWith("[") ? undefined : name;
}

const NONE: TriedHosts = [];
