import type { JsonObject } from "@bufbuild/protobuf";
import type { ClusterConfig } from "../config/cluster.ts";
import type { Host, HostStats } from "../upstream/host.ts";
import { jsonAnswer, textAnswer } from "./answer.ts";
import { pageFilter } from "./page-filter.ts";

/** What the page shows of a cluster. */
export interface ClusterView {
  readonly config: ClusterConfig;
  readonly hosts: readonly HostView[];
}

/** What the page shows of an endpoint. */
export interface HostView
  extends Readonly<
    Pick<Host, "address" | "text" | "hostname" | "weight" | "priority" | "locality"> &
      Pick<Host, "edsHealthy" | "checkFailed" | "ejected" | "degraded" | "active" | "pending">
  > {
  readonly stats: Readonly<HostStats>;
}

/** `/clusters?filter=REGEX&format=text|json`. `isStatic`: the cluster is the bootstrap's. */
export function clustersPage(
  clusters: readonly ClusterView[],
  isStatic: (name: string) => boolean,
  url: URL,
): Response {
  const filter = pageFilter(url.searchParams.get("filter"));
  if (!filter.ok) return textAnswer(filter.error, 400);
  const shown = clusters.filter((cluster) => filter.value(cluster.config.name));
  return url.searchParams.get("format") === "json"
    ? jsonAnswer(clustersJson(shown, isStatic))
    : textAnswer(clustersText(shown, isStatic));
}

/** Source: Envoy's format, one `::` line per fact. */
function clustersText(clusters: readonly ClusterView[], isStatic: (name: string) => boolean): string {
  let text = "";
  for (const cluster of clusters) {
    const { name, limits, highLimits } = cluster.config;
    text += `${name}::observability_name::${cluster.config.statName}\n`;
    for (const [priority, limit] of [
      ["default_priority", limits],
      ["high_priority", highLimits],
    ] as const) {
      text += `${name}::${priority}::max_connections::${limit.maxConnections}\n`;
      text += `${name}::${priority}::max_pending_requests::${limit.maxPendingRequests}\n`;
      text += `${name}::${priority}::max_requests::${limit.maxRequests}\n`;
      text += `${name}::${priority}::max_retries::${limit.maxRetries}\n`;
    }
    text += `${name}::added_via_api::${!isStatic(name)}\n`;
    for (const host of cluster.hosts) {
      const s = host.stats;
      const facts: readonly (readonly [string, string | number])[] = [
        ["cx_active", s.cxActive],
        ["cx_connect_fail", s.cxConnectFail],
        ["cx_total", s.cxTotal],
        ["rq_active", host.active],
        ["rq_error", s.rqError],
        ["rq_pending_active", host.pending],
        ["rq_success", s.rqSuccess],
        ["rq_timeout", s.rqTimeout],
        ["rq_total", s.rqTotal],
        ["hostname", host.hostname],
        ["health_flags", healthFlags(host)],
        ["weight", host.weight],
        ["region", localityPart(host, 0)],
        ["zone", localityPart(host, 1)],
        ["sub_zone", localityPart(host, 2)],
        ["canary", "false"],
        ["priority", host.priority],
      ];
      for (const [fact, value] of facts) text += `${name}::${host.text}::${fact}::${value}\n`;
    }
  }
  return text;
}

/** Region, zone or sub-zone of a host. */
function localityPart(host: HostView, part: 0 | 1 | 2): string {
  return host.locality.split("/")[part] ?? "";
}

/** Source: `envoy.admin.v3.Clusters`, in which what is 0, "" or false is left out. */
function clustersJson(clusters: readonly ClusterView[], isStatic: (name: string) => boolean): JsonObject {
  const list: JsonObject[] = [];
  for (const cluster of clusters) {
    list.push({
      name: cluster.config.name,
      ...(isStatic(cluster.config.name) ? {} : { added_via_api: true }),
      observability_name: cluster.config.statName,
      circuit_breakers: { thresholds: [thresholds(cluster.config, "DEFAULT"), thresholds(cluster.config, "HIGH")] },
      host_statuses: cluster.hosts.map(hostJson),
    });
  }
  return { cluster_statuses: list };
}

function withoutDefaults(fields: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== 0 && value !== "0" && value !== "" && value !== false),
  );
}

function thresholds(config: ClusterConfig, priority: "DEFAULT" | "HIGH"): JsonObject {
  const limits = priority === "HIGH" ? config.highLimits : config.limits;
  return {
    ...(priority === "HIGH" ? { priority } : {}),
    // Wrapped numbers: a limit of 0 is written, too.
    max_connections: limits.maxConnections,
    max_pending_requests: limits.maxPendingRequests,
    max_requests: limits.maxRequests,
    max_retries: limits.maxRetries,
  };
}

/** Source: Envoy's names of host health flags. */
function healthFlags(host: HostView): string {
  const flags = [
    host.checkFailed ? "/failed_active_hc" : "",
    host.ejected ? "/failed_outlier_check" : "",
    host.edsHealthy ? "" : "/failed_eds_health",
    host.degraded ? "/degraded_eds_health" : "",
  ].join("");
  return flags === "" ? "healthy" : flags;
}

function hostJson(host: HostView): JsonObject {
  const s = host.stats;
  const counter = (name: string, value: number): JsonObject => withoutDefaults({ name, value: String(value) });
  const gauge = (name: string, value: number): JsonObject => ({ type: "GAUGE", ...counter(name, value) });
  return withoutDefaults({
    address: { socket_address: { address: host.address.ip, port_value: host.address.port } },
    stats: [
      counter("cx_connect_fail", s.cxConnectFail),
      counter("cx_total", s.cxTotal),
      counter("rq_error", s.rqError),
      counter("rq_success", s.rqSuccess),
      counter("rq_timeout", s.rqTimeout),
      counter("rq_total", s.rqTotal),
      gauge("cx_active", s.cxActive),
      gauge("rq_active", host.active),
      gauge("rq_pending_active", host.pending),
    ],
    health_status: withoutDefaults({
      eds_health_status: host.edsHealthy ? (host.degraded ? "DEGRADED" : "HEALTHY") : "UNHEALTHY",
      failed_active_health_check: host.checkFailed,
      failed_outlier_check: host.ejected,
    }),
    weight: host.weight,
    hostname: host.hostname,
    priority: host.priority,
    locality: withoutDefaults({
      region: localityPart(host, 0),
      zone: localityPart(host, 1),
      sub_zone: localityPart(host, 2),
    }),
  });
}
