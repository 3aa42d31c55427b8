import type { StatAnswer, StatQuery } from "../contract.ts";
import { type Inventory, resourcesOf } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { destinationKey, gapsOf, measuredSeconds, type Row, toStatRow } from "./stat.ts";
import { addSeries, emptyTotals } from "./totals.ts";

const METRICS = ["istio_requests_total", "istio_request_duration_milliseconds_bucket"] as const;

/** What is asked of hosts: `from` and `to` as of workloads, `name` is the host. */
export type AuthorityQuery = Omit<StatQuery, "kind">;

/**
 * Golden metrics by the host that was asked for, as the metrics' `destination_service` has it. Without `from` and `to`: what the pods of a
 * namespace received; with them what the callers' proxies sent, hosts outside of the mesh too.
 */
export function authorityStat(
  query: AuthorityQuery,
  store: MetricStore,
  inventory: Inventory,
  nowMs: number,
): StatAnswer<"authority"> {
  const services = inventory.services();
  const pods = new Map(inventory.pods().map((p) => [`${p.namespace}/${p.name}`, p]));
  const { from, to, name } = query;
  const namespace = from?.namespace ?? query.namespace;
  const reporter = from || to ? "source" : "destination";
  const span = { fromMs: nowMs - query.windowMs, toMs: nowMs };
  const rows = new Map<string, Row>();
  for (const metric of METRICS)
    for (const stored of store.of(metric)) {
      const { labels } = stored.series;
      const host = labels.get("destination_service") ?? "";
      const pod = pods.get(`${stored.target.namespace}/${stored.target.pod}`);
      if (labels.get("reporter") !== reporter || pod === undefined || (name !== undefined && host !== name)) continue;
      if (namespace !== undefined && pod.namespace !== namespace) continue;
      if (from?.name !== undefined && !resourcesOf(pod, from.kind, services).includes(from.name)) continue;
      if (to !== undefined) {
        const [dstNamespace, dst] = destinationKey(labels, to.kind);
        if (dstNamespace !== to.namespace || (to.name !== undefined && dst !== to.name)) continue;
      }
      const key = `${pod.namespace}/${host}`;
      const row = rows.get(key) ?? { namespace: pod.namespace, name: host, meshed: 0, pods: 0, totals: emptyTotals() };
      rows.set(key, row);
      addSeries(row.totals, stored, span);
    }
  const seconds = measuredSeconds(store, span);
  const asked = [...rows].filter(([, row]) => row.totals.requests > 0).sort(([a], [b]) => a.localeCompare(b));
  return {
    rows: asked.map(([, row]) => toStatRow(row, "authority", seconds)),
    gaps: gapsOf(store, span.fromMs),
  };
}
