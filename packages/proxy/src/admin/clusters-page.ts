import type { JsonObject } from "@bufbuild/protobuf";
import type { ClusterConfig } from "../config/cluster.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";
import type { Host } from "../upstream/host.ts";

/** `/clusters` as text. Source: Envoy's format, one `::` line per fact. */
export function clustersText(clusters: ClusterSet): string {
  let text = "";
  for (const cluster of clusters.all()) {
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
    text += `${name}::added_via_api::true\n`;
    for (const host of cluster.hosts) {
      const s = host.stats;
      const facts: readonly (readonly [string, string | number])[] = [
        ["cx_active", s.cxActive],
        ["cx_connect_fail", s.cxConnectFail],
        ["cx_total", s.cxTotal],
        ["rq_active", host.active],
        ["rq_error", s.rqError],
        ["rq_success", s.rqSuccess],
        ["rq_timeout", s.rqTimeout],
        ["rq_total", s.rqTotal],
        ["hostname", host.hostname],
        ["health_flags", healthFlags(host)],
        ["weight", host.weight],
        ["priority", host.priority],
      ];
      for (const [fact, value] of facts) text += `${name}::${host.text}::${fact}::${value}\n`;
    }
  }
  return text;
}

/** `/clusters?format=json`. Source: `envoy.admin.v3.Clusters`. */
export function clustersJson(clusters: ClusterSet): JsonObject {
  const list: JsonObject[] = [];
  for (const cluster of clusters.all()) {
    list.push({
      name: cluster.config.name,
      added_via_api: true,
      observability_name: cluster.config.statName,
      circuit_breakers: { thresholds: [thresholds(cluster.config, "DEFAULT"), thresholds(cluster.config, "HIGH")] },
      host_statuses: cluster.hosts.map(hostJson),
    });
  }
  return { cluster_statuses: list };
}

function thresholds(config: ClusterConfig, priority: "DEFAULT" | "HIGH"): JsonObject {
  const limits = priority === "HIGH" ? config.highLimits : config.limits;
  return {
    priority,
    max_connections: limits.maxConnections,
    max_pending_requests: limits.maxPendingRequests,
    max_requests: limits.maxRequests,
    max_retries: limits.maxRetries,
  };
}

/** Source: Envoy's names of host health flags. */
function healthFlags(host: Host): string {
  const flags = [
    host.checkFailed ? "/failed_active_hc" : "",
    host.ejected ? "/failed_outlier_check" : "",
    host.edsHealthy ? "" : "/failed_eds_health",
    host.degraded ? "/degraded_eds_health" : "",
  ].join("");
  return flags === "" ? "healthy" : flags;
}

function hostJson(host: Host): JsonObject {
  const s = host.stats;
  const counter = (name: string, value: number): JsonObject => ({ name, value: String(value) });
  return {
    address: { socket_address: { address: host.address.ip, port_value: host.address.port } },
    stats: [
      counter("cx_connect_fail", s.cxConnectFail),
      counter("cx_total", s.cxTotal),
      counter("rq_error", s.rqError),
      counter("rq_success", s.rqSuccess),
      counter("rq_timeout", s.rqTimeout),
      counter("rq_total", s.rqTotal),
      { type: "GAUGE", name: "cx_active", value: String(s.cxActive) },
      { type: "GAUGE", name: "rq_active", value: String(host.active) },
    ],
    health_status: {
      eds_health_status: host.edsHealthy ? (host.degraded ? "DEGRADED" : "HEALTHY") : "UNHEALTHY",
      failed_active_health_check: host.checkFailed,
      failed_outlier_check: host.ejected,
    },
    weight: host.weight,
    hostname: host.hostname,
    priority: host.priority,
    locality: {},
  };
}
