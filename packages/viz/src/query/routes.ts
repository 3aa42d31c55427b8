import type { RouteRow, RoutesAnswer, StatQuery } from "../contract.ts";
import { type Inventory, resourcesOf } from "../inventory.ts";
import type { MetricStore, StoredSeries } from "../store/store.ts";
import { gapsOf, measuredSeconds } from "./stat.ts";
import { addSeries, emptyTotals, quantile, type Span, type Totals } from "./totals.ts";

const METRICS = ["route_response_total", "route_actual_request_total", "route_response_latency_ms_bucket"] as const;
/** Linkerd's name of what matches no named route. */
const DEFAULT = "[DEFAULT]";

interface Draft {
  readonly service: string;
  readonly namespace: string;
  readonly route: string;
  readonly totals: Totals;
  tries: number;
  timeouts: number;
}

/**
 * Requests by route, as their senders' proxies counted them: to the Services of a resource, or with `to` what the resource sent there.
 * Services whose routes have no names have one row for everything.
 */
export function routes(query: StatQuery, store: MetricStore, inventory: Inventory, nowMs: number): RoutesAnswer {
  const span = { fromMs: nowMs - query.windowMs, toMs: nowMs };
  const isSender = senderTest(query, inventory);
  const isAsked = serviceTest(query, inventory);
  const rows = new Map<string, Draft>();
  const named = new Set<string>();
  for (const metric of METRICS)
    for (const stored of store.of(metric)) {
      const service = serviceOfHost(stored.series.labels.get("dst") ?? "");
      if (!isAsked(service) || !isSender(stored)) continue;
      named.add(`${service.namespace}/${service.name}`);
      count(rows, service, stored.series.labels.get("rt_route") || DEFAULT, stored, span);
    }
  for (const metric of ["istio_requests_total", "istio_request_duration_milliseconds_bucket"] as const)
    for (const stored of store.of(metric)) {
      const { labels } = stored.series;
      const service = {
        name: labels.get("destination_service_name") ?? "",
        namespace: labels.get("destination_service_namespace") ?? "",
      };
      if (labels.get("reporter") !== "source" || named.has(`${service.namespace}/${service.name}`)) continue;
      if (isAsked(service) && isSender(stored)) count(rows, service, DEFAULT, stored, span);
    }
  const seconds = measuredSeconds(store, span);
  const found = [...rows.values()].filter((row) => row.totals.requests > 0).map((row) => toRow(row, seconds));
  return { rows: found.sort((a, b) => sortKey(a).localeCompare(sortKey(b))), gaps: gapsOf(store, span.fromMs) };
}

/** Linkerd's order: by Service, what has no name last. */
const sortKey = (row: RouteRow): string =>
  `${row.namespace}/${row.service}/${row.route === DEFAULT ? "\uffff" : row.route}`;

interface ServiceName {
  readonly name: string;
  readonly namespace: string;
}

/** `web.emojivoto.svc.cluster.local:80` → web, emojivoto; of other hosts the whole name. */
function serviceOfHost(dst: string): ServiceName {
  const host = dst.replace(/:\d+$/, "");
  const [name = "", namespace = "", svc] = host.split(".");
  return svc === "svc" ? { name, namespace } : { name: host, namespace: "" };
}

function senderTest(query: StatQuery, inventory: Inventory): (stored: StoredSeries) => boolean {
  const { to } = query;
  if (!to) return () => true;
  const services = inventory.services();
  const senders = new Set<string>();
  for (const pod of inventory.pods()) {
    if (query.namespace !== undefined && pod.namespace !== query.namespace) continue;
    const names = resourcesOf(pod, query.kind, services);
    if (query.name === undefined ? names.length > 0 : names.includes(query.name))
      senders.add(`${pod.namespace}/${pod.name}`);
  }
  return ({ target }) => senders.has(`${target.namespace}/${target.pod}`);
}

/** Which Services are meant: by name, or those that select the pods of the resource. */
function serviceTest(query: StatQuery, inventory: Inventory): (service: ServiceName) => boolean {
  const target = query.to ?? { kind: query.kind, name: query.name, namespace: query.namespace };
  const { kind, name, namespace } = target;
  const inNamespace = (service: ServiceName) => namespace === undefined || service.namespace === namespace;
  if (kind === "service") return (service) => inNamespace(service) && (name === undefined || service.name === name);
  if (kind === "namespace") return (service) => service.namespace === (name ?? namespace ?? service.namespace);
  const services = inventory.services();
  const chosen = new Set<string>();
  for (const pod of inventory.pods()) {
    if (namespace !== undefined && pod.namespace !== namespace) continue;
    const names = resourcesOf(pod, kind, services);
    if (name === undefined ? names.length === 0 : !names.includes(name)) continue;
    for (const service of resourcesOf(pod, "service", services)) chosen.add(`${pod.namespace}/${service}`);
  }
  return (service) => chosen.has(`${service.namespace}/${service.name}`);
}

function count(rows: Map<string, Draft>, service: ServiceName, route: string, stored: StoredSeries, span: Span): void {
  const key = `${service.namespace}/${service.name}/${route}`;
  let row = rows.get(key);
  if (!row) {
    row = { service: service.name, namespace: service.namespace, route, totals: emptyTotals(), tries: 0, timeouts: 0 };
    rows.set(key, row);
  }
  const increase = () => stored.series.increase(span.fromMs, stored.bornAtZero, span.toMs);
  if (stored.metric === "route_actual_request_total") {
    row.tries += increase();
    return;
  }
  addSeries(row.totals, stored, span);
  const { labels } = stored.series;
  if ((labels.get("status_code") ?? labels.get("response_code")) === "504" && COUNTERS.has(stored.metric))
    row.timeouts += increase();
}

const COUNTERS: ReadonlySet<string> = new Set(["route_response_total", "istio_requests_total"]);

function toRow({ service, namespace, route, totals, tries, timeouts }: Draft, seconds: number): RouteRow {
  const good = totals.requests - totals.failures;
  const actual = Math.max(tries, totals.requests);
  return {
    route,
    service,
    namespace,
    success: good / totals.requests,
    rps: totals.requests / seconds,
    // A try that was repeated had failed.
    actualSuccess: good / actual,
    actualRps: actual / seconds,
    timeouts: timeouts / totals.requests,
    latencyMsP50: quantile(totals.buckets, 0.5),
    latencyMsP95: quantile(totals.buckets, 0.95),
    latencyMsP99: quantile(totals.buckets, 0.99),
  };
}
