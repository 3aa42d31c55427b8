import { mergeExpositions, mergeStats } from "./merge-reports.ts";
import type { WorkerReport } from "./messages.ts";

/**
 * Adds what an ended worker had counted to what others had: one report in all. Gauges and active counts ended with it. What it counted since
 * its last report is lost.
 */
export function countersOf(before: readonly WorkerReport[], last: WorkerReport): WorkerReport[] {
  const hosts = new Map(before.flatMap((report) => report.hosts).map((host) => [`${host.cluster}|${host.host}`, host]));
  for (const host of last.hosts) {
    const key = `${host.cluster}|${host.host}`;
    const old = hosts.get(key);
    hosts.set(key, {
      ...host,
      cxActive: 0,
      rqActive: 0,
      cxConnectFail: host.cxConnectFail + (old?.cxConnectFail ?? 0),
      cxTotal: host.cxTotal + (old?.cxTotal ?? 0),
      rqError: host.rqError + (old?.rqError ?? 0),
      rqSuccess: host.rqSuccess + (old?.rqSuccess ?? 0),
      rqTimeout: host.rqTimeout + (old?.rqTimeout ?? 0),
      rqTotal: host.rqTotal + (old?.rqTotal ?? 0),
    });
  }
  return [
    {
      connections: 0,
      stats: mergeStats([...before.map((r) => r.stats), last.stats.filter((stat) => stat.kind !== "gauge")]),
      exposition: mergeExpositions([...before.map((r) => r.exposition), last.exposition]),
      hosts: [...hosts.values()],
      failures: [],
      memory: { heapUsed: 0, heapTotal: 0, rss: 0 },
    },
  ];
}
