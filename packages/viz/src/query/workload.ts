import type { ResourceKind } from "../contract.ts";
import type { FailureRow, PodRow, WorkloadAnswer } from "../dashboard-contract.ts";
import { type Inventory, resourcesOf } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { isFailure } from "./classify.ts";
import { workloadEnds } from "./edges.ts";
import { failureReason } from "./failure-reason.ts";
import { trafficRows } from "./graph.ts";
import { failingSince, sparkOf } from "./history.ts";
import { answered, sparkSpan, type WindowQuery, workloadHistories } from "./overview.ts";
import { stat } from "./stat.ts";

export interface WorkloadQuery extends WindowQuery {
  readonly namespace: string;
  readonly kind: ResourceKind;
  readonly name: string;
}

/** Everything about one workload; undefined when no pod of it is known. */
export function workload(query: WorkloadQuery, store: MetricStore, inventory: Inventory): WorkloadAnswer | undefined {
  const { namespace, kind, name, windowMs, atMs } = query;
  const row = stat({ kind, name, namespace, windowMs }, store, inventory, atMs).rows[0];
  if (!row) return undefined;
  const history = workloadHistories(query, store, inventory).get(`${namespace}/${name}`);
  const span = sparkSpan(query);
  const ways = trafficRows(query, store, inventory);
  return {
    ...answered(query, store),
    row: { ...row, spark: sparkOf(history, span, store.sinceMs), failingSinceMs: failingSince(history, span) },
    inbound: ways.filter((w) => w.dst === name && w.dstNamespace === namespace),
    outbound: ways.filter((w) => w.src === name && w.srcNamespace === namespace),
    failures: failuresOf(query, store),
    pods: podRows(query, store, inventory),
  };
}

/** The pods of a resource of any kind. */
export function podRows(
  { namespace, kind, name, windowMs, atMs }: WorkloadQuery,
  store: MetricStore,
  inventory: Inventory,
): readonly PodRow[] {
  const services = inventory.services();
  const expiries = certificateExpiries(store);
  const own = new Map(
    inventory
      .pods()
      .filter((p) => p.namespace === namespace && resourcesOf(p, kind, services).includes(name))
      .map((p) => [p.name, p]),
  );
  return stat({ kind: "pod", namespace, windowMs }, store, inventory, atMs).rows.flatMap((row): PodRow[] => {
    const pod = own.get(row.name);
    if (!pod) return [];
    return [{ ...row, ip: pod.ip, certificateExpiresInMs: expiries.get(`${namespace}/${row.name}`) ?? null }];
  });
}

/** Time that each pod's certificate is still valid, by `namespace/pod`. Units: ms. */
export function certificateExpiries(store: MetricStore): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const stored of store.of("istio_agent_cert_expiry_seconds")) {
    const { target, series } = stored;
    if (series.labels.get("resource_name") !== "default" || !store.isCurrent(stored)) continue;
    found.set(`${target.namespace}/${target.pod}`, series.last * 1000);
  }
  return found;
}

/** Failures in the window by answer; without a name, all of the mesh. Each is counted where its destination or, failing that, its caller saw it. */
export function failuresOf(
  query: WindowQuery & { readonly namespace?: string; readonly name?: string },
  store: MetricStore,
): readonly FailureRow[] {
  const rows = new Map<string, FailureRow & { count: number }>();
  for (const { series, bornAtZero } of store.of("istio_requests_total")) {
    const { labels } = series;
    if (!isFailure(labels)) continue;
    const ends = workloadEnds(labels, { namespace: "", pod: "" });
    if (!ends) continue;
    const flags = labels.get("response_flags") ?? "-";
    // The caller's report repeats that of a meshed destination, unless the request never got there.
    const meshed = (labels.get("destination_principal") ?? "unknown") !== "unknown";
    if (labels.get("reporter") === "source" && flags === "-" && meshed) continue;
    const isEnd = (ns: string, n: string) => ns === query.namespace && n === query.name;
    if (query.name !== undefined && !isEnd(ends.dstNamespace, ends.dst) && !isEnd(ends.srcNamespace, ends.src))
      continue;
    const count = series.increase(query.atMs - query.windowMs, bornAtZero, query.atMs);
    if (count <= 0) continue;
    const code = labels.get("response_code") ?? "0";
    const grpcStatus = labels.get("grpc_response_status") ?? "";
    const key = [ends.srcNamespace, ends.src, ends.dstNamespace, ends.dst, code, grpcStatus, flags].join("\u0000");
    const known = rows.get(key);
    if (known) known.count += count;
    else
      rows.set(key, {
        ...ends,
        code,
        grpcStatus,
        flags,
        count,
        reason: failureReason(ends.dst, code, grpcStatus, flags),
      });
  }
  return [...rows.values()].sort((a, b) => b.count - a.count);
}
