import type { EdgeRow, EdgesAnswer, ResourceKind } from "../contract.ts";
import { type Inventory, isClusterGateway, type PodInfo, resourcesOf } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { gapsOf } from "./stat.ts";
import { type NameEnds, type Traffic, trafficOf } from "./traffic.ts";

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
  const [isMeshed, isGateway] = [meshedNames(inventory), gatewayNames(inventory)];
  const together = trafficOf(store, span, inNamespace, isMeshed, isGateway);
  const clusters = new Set(together.flatMap((way) => [...way.srcClusters, ...way.dstClusters]));
  const rows =
    clusters.size < 2
      ? together.map(edgeRow)
      : trafficOf(
          store,
          span,
          inClusters(inNamespace),
          (namespace, name) => isMeshed(namespace, nameOf(name)),
          (namespace, name) => isGateway(namespace, nameOf(name)),
        ).map(
          (way): EdgeRow => ({
            ...edgeRow(way),
            src: nameOf(way.src),
            dst: nameOf(way.dst),
            srcCluster: way.srcClusters[0] ?? "",
            dstCluster: way.dstClusters[0] ?? "",
          }),
        );
  return { rows: rows.sort((a, b) => sortKey(a).localeCompare(sortKey(b))), gaps: gapsOf(store, span.fromMs) };
}

function edgeRow(way: Traffic): EdgeRow {
  const { src, srcNamespace, dst, dstNamespace, clientId, serverId, secured, noTlsReason, totals } = way;
  const { requests, failures } = totals;
  return { src, srcNamespace, dst, dstNamespace, clientId, serverId, secured, noTlsReason, requests, failures };
}

/** Stands between a name and its cluster; no name holds it. */
const MARK = "\u0001";
const nameOf = (text: string): string => text.split(MARK)[0] ?? text;

/** One name in two clusters is two ends. Where the cluster is not known the name is as it was. */
function inClusters(ends: NameEnds): NameEnds {
  const marked = (name: string, cluster = "unknown") =>
    cluster === "unknown" || cluster === "" || name === "unknown" ? name : `${name}${MARK}${cluster}`;
  return (labels, pod) => {
    const named = ends(labels, pod);
    return (
      named && {
        ...named,
        src: marked(named.src, labels.get("source_cluster")),
        dst: marked(named.dst, labels.get("destination_cluster")),
      }
    );
  };
}

const sortKey = (e: EdgeRow) =>
  [e.srcNamespace, e.src, e.srcCluster, e.dstNamespace, e.dst, e.dstCluster].join("\u0000");

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

/** Whether a workload is a gateway that other clusters come in by. */
export function gatewayNames(inventory: Inventory): (namespace: string, name: string) => boolean {
  const gateways = new Set<string>();
  for (const pod of inventory.pods())
    if (isClusterGateway(pod)) gateways.add(`${pod.namespace}/${pod.owners[0]?.name ?? pod.name}`);
  return (namespace, name) => gateways.has(`${namespace}/${name}`);
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
