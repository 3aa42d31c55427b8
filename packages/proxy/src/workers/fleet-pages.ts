import type { MetricsRegistry } from "@heddle/std";
import type { ClusterView } from "../admin/clusters-page.ts";
import type { DataPlane } from "../proxy.ts";
import { type EnvoyStat, envoyStats } from "../telemetry/envoy-stats.ts";
import type { LoadedCluster } from "../telemetry/load-reports.ts";
import { type ServerFacts, serverStats } from "../telemetry/stats/process-stats.ts";
import type { StatsView } from "../telemetry/stats/stats-view.ts";
import type { Fleet } from "./fleet.ts";
import { mergeExpositions, mergeStats } from "./merge-reports.ts";
import type { HostReport, MemoryUse } from "./messages.ts";

/** Where statistics come from, and how they are shown. */
export interface StatsSource {
  readonly proxy: DataPlane;
  readonly fleet: Fleet;
  readonly view: StatsView;
  /** The page shows what `view` leaves out of what Prometheus gets, too. */
  readonly showsAll: boolean;
  /** What is known of the server as a whole. */
  facts(): Omit<ServerFacts, "concurrency" | "restarts" | "runtime">;
}

/** Statistics of all processes. */
export async function fleetStats({
  proxy,
  fleet,
  facts,
}: Omit<StatsSource, "view" | "showsAll">): Promise<readonly EnvoyStat[]> {
  const { concurrency, restarts } = fleet;
  const reports = concurrency === 1 ? [] : await fleet.reports();
  return mergeStats([
    envoyStats(proxy),
    ...reports.map((report) => report.stats),
    serverStats({ ...facts(), concurrency, restarts, runtime: proxy.runtime }),
  ]);
}

/** Prometheus text of what all processes count beside Envoy's statistics. */
export async function fleetExposition(registry: MetricsRegistry, fleet: Fleet): Promise<string> {
  if (fleet.concurrency === 1) return registry.expose();
  const texts = (await fleet.reports()).map((report) => report.exposition);
  return mergeExpositions([registry.expose(), ...texts]);
}

/** Prometheus text of all processes. */
export async function fleetMetrics(registry: MetricsRegistry, source: StatsSource): Promise<string> {
  const { view } = source;
  const stats = (await fleetStats(source)).filter(({ name }) => view.includes(name));
  return (await fleetExposition(registry, source.fleet)) + view.expose(stats);
}

/** Clusters with the counts of all processes. Health is what this process sees. */
export async function fleetClusters(proxy: DataPlane, fleet: Fleet): Promise<readonly ClusterView[]> {
  const own = [...proxy.clusters.all()];
  if (fleet.concurrency === 1) return own;
  const byHost = new Map<string, HostReport[]>();
  for (const { hosts } of await fleet.reports()) {
    for (const host of hosts) {
      const key = `${host.cluster}|${host.host}`;
      const known = byHost.get(key);
      if (known === undefined) byHost.set(key, [host]);
      else known.push(host);
    }
  }
  return own.map(({ config, hosts }) => ({
    config,
    hosts: hosts.map((host) => {
      const { address, text, hostname, weight, priority, locality, edsHealthy, checkFailed, ejected, degraded } = host;
      const stats = { ...host.stats };
      let { active, pending } = host;
      for (const other of byHost.get(`${config.name}|${text}`) ?? []) {
        active += other.rqActive;
        pending += other.rqPendingActive;
        stats.cxActive += other.cxActive;
        stats.cxConnectFail += other.cxConnectFail;
        stats.cxTotal += other.cxTotal;
        stats.rqError += other.rqError;
        stats.rqSuccess += other.rqSuccess;
        stats.rqTimeout += other.rqTimeout;
        stats.rqTotal += other.rqTotal;
      }
      const state = { edsHealthy, checkFailed, ejected, degraded };
      return { address, text, hostname, weight, priority, locality, ...state, active, pending, stats };
    }),
  }));
}

/** Memory of all processes. */
export async function fleetMemory(own: MemoryUse, fleet: Fleet): Promise<MemoryUse> {
  const sum = { ...own };
  for (const { memory } of await fleet.reports()) {
    sum.heapUsed += memory.heapUsed;
    sum.heapTotal += memory.heapTotal;
    sum.rss += memory.rss;
  }
  return sum;
}

/** Clusters as `fleetClusters` has them, with the requests that found them full. */
export async function fleetLoads(proxy: DataPlane, fleet: Fleet): Promise<readonly LoadedCluster[]> {
  const clusters = await fleetClusters(proxy, fleet);
  const reports = fleet.concurrency === 1 ? [] : await fleet.reports();
  const full = new Map<string, number>();
  for (const { stats } of reports)
    for (const { name, value } of stats) {
      const at = FULL.find((end) => name.endsWith(end));
      if (at === undefined) continue;
      const cluster = name.slice(0, -at.length);
      full.set(cluster, (full.get(cluster) ?? 0) + value);
    }
  return clusters.map(({ config, hosts }) => {
    const counters = proxy.clusters.get(config.name)?.counters;
    const own = (counters?.pendingOverflow ?? 0) + (counters?.requestOverflow ?? 0);
    return { config, hosts, dropped: own + (full.get(`cluster.${config.statName}`) ?? 0) };
  });
}

const FULL = [".upstream_rq_pending_overflow", ".upstream_rq_active_overflow"];
