import type { NamespaceAnswer } from "../dashboard-contract.ts";
import type { Inventory } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { graph } from "./graph.ts";
import { overview, type WindowQuery } from "./overview.ts";
import { stat } from "./stat.ts";
import { failuresOf, podRows } from "./workload.ts";

/** Everything about one namespace; undefined when no pod of it is known. */
export function namespaceOf(
  query: WindowQuery & { readonly namespace: string },
  store: MetricStore,
  inventory: Inventory,
): NamespaceAnswer | undefined {
  const { namespace, windowMs, atMs } = query;
  const { namespaces, workloads, ...when } = overview(query, store, inventory);
  const row = namespaces.find(({ name }) => name === namespace);
  if (!row) return undefined;
  const isHere = (end: { readonly srcNamespace: string; readonly dstNamespace: string }) =>
    end.srcNamespace === namespace || end.dstNamespace === namespace;
  const whole = graph(query, store, inventory);
  const edges = whole.edges.filter(isHere);
  const ends = new Set(edges.flatMap((e) => [`${e.srcNamespace}/${e.src}`, `${e.dstNamespace}/${e.dst}`]));
  return {
    ...when,
    row,
    workloads: workloads.filter((w) => w.namespace === namespace),
    services: stat({ kind: "service", namespace, windowMs }, store, inventory, atMs).rows,
    pods: podRows({ ...query, kind: "namespace", name: namespace }, store, inventory),
    nodes: whole.nodes.filter((n) => n.namespace === namespace || ends.has(`${n.namespace}/${n.name}`)),
    edges,
    failures: failuresOf(query, store).filter(isHere),
  };
}
