import type { GraphAnswer, GraphNode, TrafficRow } from "../dashboard-contract.ts";
import type { Inventory } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { gatewayNames, meshedNames, workloadEnds } from "./edges.ts";
import { answered, type WindowQuery, workloadRows } from "./overview.ts";
import { quantile } from "./totals.ts";
import { type Traffic, trafficOf } from "./traffic.ts";

/** The mesh as nodes (workloads with a proxy or with traffic) and ways between them. */
export function graph(query: WindowQuery, store: MetricStore, inventory: Inventory): GraphAnswer {
  const edges = trafficRows(query, store, inventory);
  const nodes = new Map<string, GraphNode>();
  const inTraffic = new Set(edges.flatMap((e) => [`${e.srcNamespace}/${e.src}`, `${e.dstNamespace}/${e.dst}`]));
  const clusters = clustersByName(edges);
  const clustersOf = (key: string) => [...(clusters.get(key) ?? [])].sort();
  const received = receivedByName(edges);
  const rows = workloadRows(query, store, inventory);
  // What has no traffic says no cluster; but its pods are of this one, as those of its neighbours that do.
  const home = rows.map((r) => clustersOf(`${r.namespace}/${r.name}`)).find((c) => c.length === 1) ?? [];
  for (const row of rows) {
    const key = `${row.namespace}/${row.name}`;
    if (row.meshed === 0 && !inTraffic.has(key)) continue;
    const seen = clustersOf(key);
    const { namespace, name, kind, meshed, pods, success, rps, latencyMsP99 } = row;
    // Looking back, its pods may be others by now: what it received then is in the ways to it.
    const figures = success === null ? (received.get(key) ?? NOTHING) : { success, rps, latencyMsP99 };
    nodes.set(key, { namespace, name, kind, meshed, pods, ...figures, clusters: seen.length > 0 ? seen : home });
  }
  for (const edge of edges) {
    for (const [namespace, name, identity] of [
      [edge.srcNamespace, edge.src, edge.clientId],
      [edge.dstNamespace, edge.dst, edge.serverId],
    ] as const) {
      const key = `${namespace}/${name}`;
      if (nodes.has(key)) continue;
      // What is gone since, or was never in the cluster; an identity only a proxy has.
      const meshed = identity === "" ? 0 : 1;
      const figures = received.get(key) ?? NOTHING;
      nodes.set(key, { namespace, name, kind: "unknown", meshed, pods: meshed, ...figures, clusters: clustersOf(key) });
    }
  }
  return { ...answered(query, store), nodes: [...nodes.values()], edges };
}

type Figures = Pick<GraphNode, "success" | "rps" | "latencyMsP99">;

const NOTHING: Figures = { success: null, rps: null, latencyMsP99: null };

/** What each name received by all ways to it; of latencies the slowest way's, as quantiles don't add up. */
function receivedByName(edges: readonly TrafficRow[]): ReadonlyMap<string, Figures> {
  const found = new Map<string, { requests: number; failures: number; rps: number; latencyMsP99: number | null }>();
  for (const edge of edges) {
    if (edge.requests === 0) continue;
    const key = `${edge.dstNamespace}/${edge.dst}`;
    const sum = found.get(key) ?? { requests: 0, failures: 0, rps: 0, latencyMsP99: null };
    sum.requests += edge.requests;
    sum.failures += edge.failures;
    sum.rps += edge.rps ?? 0;
    if (edge.latencyMsP99 !== null) sum.latencyMsP99 = Math.max(sum.latencyMsP99 ?? 0, edge.latencyMsP99);
    found.set(key, sum);
  }
  return new Map(
    [...found].map(([key, { requests, failures, rps, latencyMsP99 }]) => [
      key,
      { success: (requests - failures) / requests, rps, latencyMsP99 },
    ]),
  );
}

function clustersByName(edges: readonly TrafficRow[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const add = (key: string, clusters: readonly string[]) => {
    const known = found.get(key) ?? new Set();
    for (const cluster of clusters) known.add(cluster);
    found.set(key, known);
  };
  for (const edge of edges) {
    add(`${edge.srcNamespace}/${edge.src}`, edge.srcClusters);
    add(`${edge.dstNamespace}/${edge.dst}`, edge.dstClusters);
  }
  return found;
}

/** Every way between two workloads in the window. */
export function trafficRows(query: WindowQuery, store: MetricStore, inventory: Inventory): readonly TrafficRow[] {
  const span = { fromMs: query.atMs - query.windowMs, toMs: query.atMs };
  const oldest = Number.isNaN(store.sinceMs) ? span.fromMs : Math.max(span.fromMs, store.sinceMs);
  const seconds = Math.max(query.atMs - oldest, 1) / 1000;
  return trafficOf(store, span, workloadEnds, meshedNames(inventory), gatewayNames(inventory)).map((t) =>
    trafficRow(t, seconds),
  );
}

function trafficRow({ totals, ...way }: Traffic, seconds: number): TrafficRow {
  const { requests, failures, buckets, open } = totals;
  return {
    ...way,
    success: requests > 0 ? (requests - failures) / requests : null,
    rps: requests / seconds,
    latencyMsP50: quantile(buckets, 0.5),
    latencyMsP95: quantile(buckets, 0.95),
    latencyMsP99: quantile(buckets, 0.99),
    requests,
    failures,
    openConnections: open,
  };
}
