import type { EdgeRow, EdgesAnswer, ResourceKind } from "../contract.ts";
import { type Inventory, type PodInfo, resourcesOf } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { gapsOf } from "./stat.ts";
import { type NameEnds, trafficOf } from "./traffic.ts";

export interface EdgesQuery {
  readonly kind: ResourceKind;
  readonly namespace?: string;
  /** Units: ms. */
  readonly windowMs: number;
}

/** Who calls whom, as resources of a kind, with identities and whether the connection was mTLS. */
export function edges(query: EdgesQuery, store: MetricStore, inventory: Inventory, nowMs: number): EdgesAnswer {
  const span = { fromMs: nowMs - query.windowMs, toMs: nowMs };
  const workloads = podsByWorkload(inventory);
  const ends = endsOfKind(query.kind, workloads, inventory);
  const inNamespace: NameEnds = (labels, pod) => {
    const named = ends(labels, pod);
    const { namespace } = query;
    return named && (namespace === undefined || named.srcNamespace === namespace || named.dstNamespace === namespace)
      ? named
      : undefined;
  };
  const rows = trafficOf(store, span, inNamespace, meshedNames(inventory)).map(
    ({ totals, tcp: _tcp, srcClusters: _src, dstClusters: _dst, ...edge }): EdgeRow => ({
      ...edge,
      requests: totals.requests,
      failures: totals.failures,
    }),
  );
  return { rows: rows.sort((a, b) => sortKey(a).localeCompare(sortKey(b))), gaps: gapsOf(store, span.fromMs) };
}

const sortKey = (e: EdgeRow) => [e.srcNamespace, e.src, e.dstNamespace, e.dst].join("\u0000");

export type PodsByWorkload = ReadonlyMap<string, readonly PodInfo[]>;

/** Pods by `namespace/name` of their outermost controller, which is what metrics call a workload. */
export function podsByWorkload(inventory: Inventory): PodsByWorkload {
  const found = new Map<string, PodInfo[]>();
  for (const pod of inventory.pods()) {
    const key = `${pod.namespace}/${pod.owners[0]?.name ?? pod.name}`;
    const list = found.get(key);
    if (list) list.push(pod);
    else found.set(key, [pod]);
  }
  return found;
}

/** Whether a name (workload, pod or Service) has a proxy; names that the inventory does not know count by their namespace. */
export function meshedNames(inventory: Inventory): (namespace: string, name: string) => boolean {
  const meshed = new Set<string>();
  for (const pod of inventory.pods()) if (pod.meshed) meshed.add(pod.namespace);
  const byWorkload = podsByWorkload(inventory);
  return (namespace, name) => byWorkload.get(`${namespace}/${name}`)?.some((p) => p.meshed) ?? meshed.has(namespace);
}

/** The ends as the metrics name them: workloads; a destination that is no workload goes by its Service. */
export const workloadEnds: NameEnds = (labels) => {
  const label = (name: string) => labels.get(name) ?? "unknown";
  const workload = label("destination_workload");
  const lone = workload === "unknown";
  return {
    src: label("source_workload"),
    srcNamespace: label("source_workload_namespace"),
    dst: lone ? label("destination_service_name") : workload,
    dstNamespace: lone ? label("destination_service_namespace") : label("destination_workload_namespace"),
  };
};

function endsOfKind(kind: ResourceKind, workloads: PodsByWorkload, inventory: Inventory): NameEnds {
  const services = inventory.services();
  const byName = new Map(inventory.pods().map((p) => [`${p.namespace}/${p.name}`, p]));
  /** Undefined: the workload exists, but is of another kind. */
  const rename = (namespace: string, workload: string, reporter: PodInfo | undefined): string | undefined => {
    const pods = reporter ? [reporter] : workloads.get(`${namespace}/${workload}`);
    if (!pods) return workload;
    const names = new Set(pods.flatMap((pod) => resourcesOf(pod, kind, services)));
    if (names.size === 0) return undefined;
    return names.size === 1 ? [...names][0] : `${workload} (one of ${names.size})`;
  };
  return (labels, target) => {
    const ends = workloadEnds(labels, target);
    if (!ends) return undefined;
    if (kind === "namespace") return { ...ends, src: ends.srcNamespace, dst: ends.dstNamespace };
    const reporter = byName.get(`${target.namespace}/${target.pod}`);
    const atDestination = labels.get("reporter") === "destination";
    const src = rename(ends.srcNamespace, ends.src, atDestination ? undefined : reporter);
    const dst = rename(ends.dstNamespace, ends.dst, atDestination ? reporter : undefined);
    return src === undefined || dst === undefined ? undefined : { ...ends, src, dst };
  };
}
