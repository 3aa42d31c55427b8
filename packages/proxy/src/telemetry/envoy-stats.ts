import { resetCounters } from "../counters/reset.ts";
import { HTTP_GAUGES } from "../http/manager-counters.ts";
import { LISTENER_GAUGES } from "../listener/listener-counters.ts";
import type { DataPlane } from "../proxy.ts";
import { clusterStats } from "./stats/cluster-stats.ts";
import { httpStats, routeStats, tcpStats } from "./stats/http-stats.ts";
import { listenerStats } from "./stats/listener-stats.ts";
import { processStats } from "./stats/process-stats.ts";
import { counter, type EnvoyStat, gauge } from "./stats/stat.ts";

export type { EnvoyStat } from "./stats/stat.ts";

/** All that a data plane counts, under Envoy's names. Names are made only here, when somebody asks. `worker`: its number among the processes. */
export function* envoyStats(proxy: DataPlane, worker = 0): Iterable<EnvoyStat> {
  proxy.clusters.countBytes();
  proxy.listeners.countBytes();
  for (const cluster of proxy.clusters.all()) yield* clusterStats(cluster);
  for (const [name, connections] of proxy.ownConnections)
    yield gauge(`cluster.${name}.upstream_cx_active`, connections());
  const secure = proxy.listeners.secureAddresses();
  for (const [address, counters] of proxy.listeners.listenerCounters())
    yield* listenerStats(address, counters, worker, secure.has(address));
  for (const [prefix, counters] of proxy.httpCounters) yield* httpStats(prefix, counters);
  const silent = [...proxy.httpCounters.values()].reduce((sum, counters) => sum + counters.keepAliveTimeouts, 0);
  // Of all listeners together. Source: Envoy.
  if (silent > 0) yield counter("http2.keepalive_timeout", silent);
  for (const [prefix, counters] of proxy.tcpCounters) yield* tcpStats(prefix, counters);
  for (const [prefix, counters] of proxy.routeCounters.all()) yield* routeStats(prefix, counters);
  yield* processStats(proxy);
}

/** Sets all counters back to zero; gauges stay. Source: Envoy `/reset_counters`. */
export function resetEnvoyStats(proxy: DataPlane): void {
  proxy.clusters.countBytes();
  proxy.listeners.countBytes();
  proxy.clusters.resetCounters();
  const none = new Set<string>();
  for (const counters of proxy.httpCounters.values()) resetCounters(counters, HTTP_GAUGES);
  for (const counters of proxy.tcpCounters.values()) resetCounters(counters, none);
  for (const [, counters] of proxy.routeCounters.all()) resetCounters(counters, none);
  for (const counters of proxy.listeners.listenerCounters().values()) {
    for (const http of counters.http.values()) resetCounters(http, none);
    resetCounters(counters, LISTENER_GAUGES);
  }
  resetCounters(proxy.listeners.counters, none);
  resetCounters(proxy.listeners.counters.inspector, none);
  for (const name of proxy.counts.keys()) proxy.counts.set(name, 0);
}
