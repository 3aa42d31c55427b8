import { labelText, writeSample } from "@heddle/std";
import type { DataPlane } from "../proxy.ts";

/** One statistic under Envoy's dotted name, and in Prometheus' form. */
export interface EnvoyStat {
  /** `cluster.outbound|80||a.b.upstream_rq_total`. */
  readonly name: string;
  /** `envoy_cluster_upstream_rq_total`. */
  readonly metric: string;
  readonly labels: string;
  readonly kind: "counter" | "gauge";
  readonly value: number;
}

/** All counters of the data plane. Source: Envoy's statistics of clusters, listeners and connection managers. */
export function* envoyStats(proxy: DataPlane): Iterable<EnvoyStat> {
  yield* clusterStats(proxy);
  for (const [name, connections] of proxy.ownConnections)
    yield {
      name: `cluster.${name}.upstream_cx_active`,
      metric: "envoy_cluster_upstream_cx_active",
      labels: labelText(["cluster_name"], [name]),
      kind: "gauge",
      value: connections(),
    };
  for (const [prefix, c] of proxy.httpCounters) {
    const stat = (name: string, value: number, kind: "counter" | "gauge" = "counter"): EnvoyStat => ({
      name: `http.${prefix}.${name}`,
      metric: `envoy_http_${name.replaceAll(".", "_")}`,
      labels: labelText(["envoy_http_conn_manager_prefix"], [prefix]),
      kind,
      value,
    });
    yield stat("downstream_cx_total", c.connectionsTotal);
    yield stat("downstream_cx_active", c.connectionsActive, "gauge");
    yield stat("downstream_cx_http1_total", c.connectionsHttp1);
    yield stat("downstream_cx_http2_total", c.connectionsHttp2);
    yield stat("downstream_cx_protocol_error", c.protocolErrors);
    yield stat("downstream_cx_overload_disable_keepalive", c.overloadNoKeepAlive);
    yield stat("downstream_rq_overload_close", c.overloadClosed);
    yield stat("downstream_rq_total", c.requestsTotal);
    yield stat("downstream_rq_active", c.requestsActive, "gauge");
    for (const [name, value] of c.filters) yield stat(name, value);
    for (let i = 1; i <= 5; i++) yield stat(`downstream_rq_${i}xx`, c.statusClasses[i] ?? 0);
  }
  const { counters } = proxy.listeners;
  const plain = (name: string, metric: string, value: number, kind: "counter" | "gauge" = "counter"): EnvoyStat => ({
    name,
    metric,
    labels: "",
    kind,
    value,
  });
  yield plain("listener.downstream_cx_total", "envoy_listener_downstream_cx_total", counters.connectionsTotal);
  yield plain("listener.no_filter_chain_match", "envoy_listener_no_filter_chain_match", counters.noChainMatch);
  yield plain(
    "listener.downstream_pre_cx_timeout",
    "envoy_listener_downstream_pre_cx_timeout",
    counters.inspectTimeouts,
  );
  for (const [name, value] of counters.filters) yield plain(name, `envoy_${name.replaceAll(/[.-]/g, "_")}`, value);
  for (const [name, value] of proxy.counts) yield plain(name, `envoy_${name.replaceAll(".", "_")}`, value);
  const { overload } = proxy;
  yield plain(
    "listener.downstream_global_cx_overflow",
    "envoy_listener_downstream_global_cx_overflow",
    overload.overLimit,
  );
  yield plain(
    "listener.downstream_cx_overload_reject",
    "envoy_listener_downstream_cx_overload_reject",
    overload.rejected,
  );
  for (const { name, kind, value } of overload.stats())
    yield plain(name, `envoy_${name.replaceAll(/[.-]/g, "_")}`, value, kind);
  yield plain("server.timers", "envoy_server_timers", proxy.wheel.size, "gauge");
  yield plain("listener.ssl.connection_error", "envoy_listener_ssl_connection_error", counters.tlsErrors);
  yield plain(
    "listener_manager.total_listeners_active",
    "envoy_listener_manager_total_listeners_active",
    [...proxy.listeners.all()].length,
    "gauge",
  );
  yield plain(
    "cluster_manager.active_clusters",
    "envoy_cluster_manager_active_clusters",
    [...proxy.clusters.all()].length,
    "gauge",
  );
}

function* clusterStats(proxy: DataPlane): Iterable<EnvoyStat> {
  for (const cluster of proxy.clusters.all()) {
    const c = cluster.counters;
    const clusterName = cluster.config.statName;
    const labels = labelText(["cluster_name"], [clusterName]);
    const stat = (name: string, value: number, kind: "counter" | "gauge" = "counter"): EnvoyStat => ({
      name: `cluster.${clusterName}.${name}`,
      metric: `envoy_cluster_${name.replaceAll(".", "_")}`,
      labels,
      kind,
      value,
    });
    yield stat("membership_total", cluster.hosts.length, "gauge");
    yield stat("membership_healthy", cluster.hosts.filter((host) => host.healthy).length, "gauge");
    yield stat("upstream_cx_total", c.connectionsTotal);
    yield stat("upstream_cx_active", c.connections, "gauge");
    yield stat("upstream_cx_connect_fail", c.connectFailures);
    yield stat("upstream_cx_overflow", c.connectionOverflow);
    yield stat("upstream_cx_rx_bytes_total", c.bytesReceived);
    yield stat("upstream_cx_tx_bytes_total", c.bytesSent);
    yield stat("upstream_cx_protocol_error", c.protocolErrors);
    yield stat("upstream_rq_total", c.requestsTotal);
    yield stat("upstream_rq_active", c.requests, "gauge");
    yield stat("upstream_rq_pending_active", c.pending, "gauge");
    yield stat("upstream_rq_pending_overflow", c.pendingOverflow);
    yield stat("upstream_rq_retry", c.retriesTotal);
    yield stat("upstream_rq_retry_overflow", c.retryOverflow);
    yield stat("upstream_rq_timeout", c.timeouts);
    for (let i = 1; i <= 5; i++) yield stat(`upstream_rq_${i}xx`, c.statusClasses[i] ?? 0);
    for (const [name, value] of c.named) yield stat(name, value);
  }
}

/** Prometheus text; what never counted is left out, so that a thousand unused clusters cost nothing. */
export function exposeEnvoyStats(stats: Iterable<EnvoyStat>): string {
  const families = new Map<string, { readonly kind: string; text: string }>();
  for (const stat of stats) {
    if (stat.value === 0) continue;
    let family = families.get(stat.metric);
    if (family === undefined) {
      family = { kind: stat.kind, text: "" };
      families.set(stat.metric, family);
    }
    family.text += writeSample(stat.metric, stat.labels, stat.value);
  }
  let text = "";
  for (const [name, family] of families) text += `# TYPE ${name} ${family.kind}\n${family.text}`;
  return text;
}
