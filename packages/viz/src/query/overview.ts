import type { ResourceKind, StatRow } from "../contract.ts";
import type { Answered, OverviewAnswer, OverviewRow } from "../dashboard-contract.ts";
import type { Inventory, PodInfo } from "../inventory.ts";
import type { MetricStore, StoredSeries } from "../store/store.ts";
import { failingSince, type History, histories, sparkOf } from "./history.ts";
import { gapsOf, stat } from "./stat.ts";

/** A window of the kept history. */
export interface WindowQuery {
  /** End. Units: ms since 1970. */
  readonly atMs: number;
  readonly windowMs: number;
}

/** How far sparklines look back at least. Units: ms. */
const SPARK_MS = 10 * 60_000;

/** Kinds whose objects own pods by themselves; a Deployment's ReplicaSets are not listed again. */
const WORKLOAD_KINDS: readonly ResourceKind[] = [
  "deployment",
  "statefulset",
  "daemonset",
  "cronjob",
  "job",
  "replicaset",
  "replicationcontroller",
];

/** All namespaces and workloads with their golden metrics and recent history. */
export function overview(query: WindowQuery, store: MetricStore, inventory: Inventory): OverviewAnswer {
  const history = workloadHistories(query, store, inventory);
  const span = sparkSpan(query);
  const decorate = (row: StatRow, key: string): OverviewRow => ({
    ...row,
    spark: sparkOf(history.get(key), span, store.sinceMs),
    failingSinceMs: failingSince(history.get(key), span),
  });
  const namespaces = stat({ kind: "namespace", windowMs: query.windowMs }, store, inventory, query.atMs).rows;
  return {
    ...answered(query, store),
    namespaces: namespaces.map((row) => decorate(row, `ns/${row.name}`)),
    workloads: workloadRows(query, store, inventory).map((row) => decorate(row, `${row.namespace}/${row.name}`)),
  };
}

export function answered(query: WindowQuery, store: MetricStore): Answered {
  return {
    timeMs: query.atMs,
    windowMs: query.windowMs,
    sinceMs: Number.isNaN(store.sinceMs) ? null : store.sinceMs,
    gaps: gapsOf(store, query.atMs - query.windowMs),
  };
}

/** The outermost controller of a pod: what metrics call its workload. */
export function workloadOf(pod: PodInfo): { readonly kind: ResourceKind; readonly name: string } {
  return pod.owners[0] ?? { kind: "pod", name: pod.name };
}

export function sparkSpan({ atMs, windowMs }: WindowQuery): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: atMs - Math.max(windowMs, SPARK_MS), toMs: atMs };
}

/** Inbound history by `namespace/workload` and `ns/namespace`. */
export function workloadHistories(
  query: WindowQuery,
  store: MetricStore,
  inventory: Inventory,
): ReadonlyMap<string, History> {
  const keys = new Map(
    inventory
      .pods()
      .map((p) => [`${p.namespace}/${p.name}`, [`${p.namespace}/${workloadOf(p).name}`, `ns/${p.namespace}`]] as const),
  );
  const keysOf = ({ series, target }: StoredSeries) =>
    series.labels.get("reporter") === "destination" ? (keys.get(`${target.namespace}/${target.pod}`) ?? []) : [];
  return histories(store, sparkSpan(query), keysOf);
}

export function workloadRows(query: WindowQuery, store: MetricStore, inventory: Inventory): readonly StatRow[] {
  const outermost = new Set(inventory.pods().map((p) => `${workloadOf(p).kind}/${p.namespace}/${workloadOf(p).name}`));
  const present = [...new Set(inventory.pods().map((p) => workloadOf(p).kind))];
  return [...WORKLOAD_KINDS, "pod" as const]
    .filter((kind) => present.includes(kind))
    .flatMap((kind) => stat({ kind, windowMs: query.windowMs }, store, inventory, query.atMs).rows)
    .filter((row) => outermost.has(`${row.kind}/${row.namespace}/${row.name}`) && row.pods > 0);
}
