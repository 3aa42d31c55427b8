import type { GraphAnswer, GraphNode, TrafficRow } from "../dashboard-contract.ts";
import type { Inventory } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { meshedNames, workloadEnds } from "./edges.ts";
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
  const rows = workloadRows(query, store, inventory);
  // What has no traffic says no cluster; but its pods are of this one, as those of its neighbours that do.
  const home = rows.map((r) => clustersOf(`${r.namespace}/${r.name}`)).find((c) => c.length === 1) ?? [];
  for (const row of rows) {
    const key = `${row.namespace}/${row.name}`;
    if (row.meshed === 0 && !inTraffic.has(key)) continue;
    const seen = clustersOf(key);
    const { namespace, name, kind, meshed, pods, success, rps, latencyMsP99 } = row;
    nodes.set(key, {
      namespace,
      name,
      kind,
      meshed,
      pods,
      success,
      rps,
      latencyMsP99,
      clusters: seen.length > 0 ? seen : home,
    });
  }
  for (const edge of edges) {
    for (const [namespace, name] of [
      [edge.srcNamespace, edge.src],
      [edge.dstNamespace, edge.dst],
    ] as const) {
      const key = `${namespace}/${name}`;
      const nothing = { meshed: 0, pods: 0, success: null, rps: null, latencyMsP99: null };
      if (!nodes.has(key)) nodes.set(key, { namespace, name, kind: "unknown", ...nothing, clusters: clustersOf(key) });
    }
  }
  return { ...answered(query, store), nodes: [...nodes.values()], edges };
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
  return trafficOf(store, span, workloadEnds, meshedNames(inventory)).map((t) => trafficRow(t, seconds));
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
