import type { ResourceKind, ResourceName, StatAnswer, StatKind, StatQuery, StatRow } from "../contract.ts";
import { type Inventory, type PodInfo, resourcesOf } from "../inventory.ts";
import type { MetricStore, StoredSeries } from "../store/store.ts";
import { addSeries, emptyTotals, openConnections, quantile, type Span, type Totals } from "./totals.ts";

const METRICS = [
  "istio_requests_total",
  "istio_request_duration_milliseconds_bucket",
  "istio_tcp_connections_opened_total",
  "istio_tcp_connections_closed_total",
  "istio_tcp_sent_bytes_total",
  "istio_tcp_received_bytes_total",
  "istio_request_bytes_sum",
  "istio_response_bytes_sum",
  "envoy_http_downstream_cx_active",
  "envoy_http_rbac_denied",
] as const;

/** A row in the making. */
export interface Row {
  readonly namespace: string;
  readonly name: string;
  readonly status?: string;
  meshed: number;
  pods: number;
  readonly totals: Totals;
}

/**
 * Golden metrics per resource. Without `from`/`to`: what the resource's own proxies received. With them: what the callers' proxies sent,
 * which also holds where the other side has no proxy.
 */
export function stat(query: StatQuery, store: MetricStore, inventory: Inventory, nowMs: number): StatAnswer {
  const services = inventory.services();
  const pods = new Map(inventory.pods().map((p) => [`${p.namespace}/${p.name}`, p]));
  const rows = rowsOf(query, [...pods.values()], services);
  const fromMs = nowMs - query.windowMs;
  const span = { fromMs, toMs: nowMs };
  for (const metric of METRICS) {
    for (const stored of store.of(metric)) {
      const pod = pods.get(`${stored.target.namespace}/${stored.target.pod}`);
      if (!pod) continue;
      for (const key of keysOf(query, stored, pod, services)) {
        const row = rows.get(key);
        if (!row) continue;
        addSeries(row.totals, stored, span);
        row.totals.open += openConnections(stored, nowMs, store.isCurrent(stored));
      }
    }
  }
  const seconds = measuredSeconds(store, span);
  const sorted = [...rows.values()].sort(
    (a, b) => a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name),
  );
  return { rows: sorted.map((r) => toStatRow(r, query.kind, seconds)), gaps: gapsOf(store, fromMs) };
}

function rowsOf(
  query: StatQuery,
  pods: readonly PodInfo[],
  services: ReturnType<Inventory["services"]>,
): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const pod of pods) {
    if (query.namespace !== undefined && pod.namespace !== query.namespace) continue;
    for (const name of resourcesOf(pod, query.kind, services)) {
      if (query.name !== undefined && name !== query.name) continue;
      const key = `${pod.namespace}/${name}`;
      let row = rows.get(key);
      if (!row) {
        const status = query.kind === "pod" ? pod.status : "";
        row = { namespace: pod.namespace, name, status, meshed: 0, pods: 0, totals: emptyTotals() };
        rows.set(key, row);
      }
      if (!pod.running) continue;
      row.pods++;
      if (pod.meshed) row.meshed++;
    }
  }
  return rows;
}

/** Which rows a series counts for. */
function keysOf(
  query: StatQuery,
  stored: StoredSeries,
  pod: PodInfo,
  services: ReturnType<Inventory["services"]>,
): readonly string[] {
  const { labels } = stored.series;
  // A gauge of all of a proxy's connections says nothing about who is on the other side.
  const ofProxy = stored.metric.startsWith("envoy_http_");
  const reporter = ofProxy && !query.to && !query.from ? "destination" : labels.get("reporter");
  const ofPod = (kind: ResourceKind) => resourcesOf(pod, kind, services).map((name) => `${pod.namespace}/${name}`);
  if (query.to) {
    return reporter === "source" && isDestination(labels, query.to) ? ofPod(query.kind) : [];
  }
  if (query.from) {
    const caller = query.from;
    const sends =
      pod.namespace === caller.namespace &&
      (!caller.name || resourcesOf(pod, caller.kind, services).includes(caller.name));
    return reporter === "source" && sends ? [destinationKey(labels, query.kind).join("/")] : [];
  }
  return reporter === "destination" ? ofPod(query.kind) : [];
}

/** Namespace and name of what a series' requests went to. */
export function destinationKey(
  labels: ReadonlyMap<string, string>,
  kind: ResourceKind,
): readonly [namespace: string, name: string] {
  const workloadNamespace = labels.get("destination_workload_namespace") ?? "";
  if (kind === "service")
    return [labels.get("destination_service_namespace") ?? "", labels.get("destination_service_name") ?? ""];
  if (kind === "namespace") return [workloadNamespace, workloadNamespace];
  return [workloadNamespace, labels.get("destination_workload") ?? ""];
}

function isDestination(labels: ReadonlyMap<string, string>, to: ResourceName): boolean {
  const [namespace, name] = destinationKey(labels, to.kind);
  return namespace === to.namespace && (to.name === undefined || name === to.name);
}

/** How long of a span was measured: a store may be younger. */
export function measuredSeconds(store: MetricStore, { fromMs, toMs }: Span): number {
  const oldest = Number.isNaN(store.sinceMs) ? fromMs : Math.max(fromMs, store.sinceMs);
  return Math.max(toMs - oldest, 1) / 1000;
}

/** `seconds`: how long was looked at. */
export function toStatRow<Kind extends StatKind>(row: Row, kind: Kind, seconds: number): StatRow<Kind> {
  const t = row.totals;
  const counted = t.requests > 0;
  return {
    namespace: row.namespace,
    kind,
    name: row.name,
    status: row.status ?? "",
    meshed: row.meshed,
    pods: row.pods,
    success: counted ? (t.requests - t.failures) / t.requests : null,
    rps: counted ? t.requests / seconds : null,
    latencyMsP50: quantile(t.buckets, 0.5),
    latencyMsP95: quantile(t.buckets, 0.95),
    latencyMsP99: quantile(t.buckets, 0.99),
    tcpOpenConnections: Math.max(0, t.open),
    tcpReadBytesRate: t.readBytes / seconds,
    tcpWriteBytesRate: t.writtenBytes / seconds,
    requests: t.requests,
    failures: t.failures,
    unauthorized: t.unauthorized,
    unauthorizedFailures: Math.min(t.unauthorized, t.permissionDenied),
  };
}

/** What a reader must know about the answer. */
export function gapsOf(store: MetricStore, fromMs: number): readonly string[] {
  if (Number.isNaN(store.sinceMs))
    return ["no proxy has been scraped yet; figures appear within seconds of the first scrape"];
  return store.sinceMs > fromMs
    ? ["the figures are younger than the window: rates are over the time measured so far"]
    : [];
}
