import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DataPlane, MeshConfig } from "@heddle/config";
import type { OutboundView, WorkloadMetrics } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import type { AccessLogFilterSchema, AccessLogSchema } from "@heddle/xds-api/envoy/config/accesslog/v3/accesslog";
import type { FilterSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { AccessLogType } from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import {
  type TcpProxy_TcpAccessLogOptionsSchema,
  TcpProxySchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
import { accessLogs } from "../access-log.ts";
import type { Direction } from "../http/filters.ts";
import { tcpMetricsLog } from "../http/standard-metrics-log.ts";
import { statsConfig } from "../http/stats-config.ts";
import { protoDuration } from "../proto-duration.ts";

/** Where a connection's bytes go. */
export interface TcpTarget {
  /** Several clusters share the connections by weight. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  /** Units: ms. Default: Envoy's, 1 h. */
  readonly idleTimeoutMs?: number;
}

export function oneCluster(name: string): TcpTarget {
  return { clusters: [{ name, weight: 1 }] };
}

/** How often stock Envoy reports the bytes of connections that stay open. Units: ms. */
const PROGRESS_EVERY_MS = 5000;

/** What the filters of all connections of a view have in common. */
export interface TcpSettings {
  readonly dataPlane: DataPlane;
  readonly mesh: MeshConfig;
  readonly metrics: WorkloadMetrics;
}

export function tcpSettings(view: OutboundView): TcpSettings {
  return { dataPlane: view.dataPlane, mesh: view.settings.mesh, metrics: view.metrics };
}

interface Reporting {
  readonly accessLog: MessageInitShape<typeof AccessLogSchema>[];
  readonly accessLogOptions: MessageInitShape<typeof TcpProxy_TcpAccessLogOptionsSchema>;
}

/**
 * Stock Envoy reports each connection to the agent when it opens, while it lives and when it ends; the access log that the user asked
 * for gets the end only.
 */
function reporting({ mesh, metrics }: TcpSettings, direction: Direction): Reporting {
  const atEnd: MessageInitShape<typeof AccessLogFilterSchema> = {
    filterSpecifier: {
      case: "logTypeFilter",
      value: { types: [AccessLogType.TcpConnectionEnd, AccessLogType.NotSet] },
    },
  };
  return {
    accessLog: [...accessLogs(mesh, "tcp", atEnd), ...tcpMetricsLog(direction, metrics)],
    accessLogOptions: {
      flushAccessLogOnConnected: true,
      accessLogFlushInterval: protoDuration(metrics.reportingIntervalMs ?? PROGRESS_EVERY_MS),
    },
  };
}

/** The network filters that pass bytes on to clusters and count them. */
export function tcpFilters(
  target: TcpTarget,
  settings: TcpSettings,
  direction: Direction = "outbound",
): MessageInitShape<typeof FilterSchema>[] {
  const { dataPlane, mesh, metrics } = settings;
  const [first, ...others] = target.clusters;
  const proxy = create(TcpProxySchema, {
    statPrefix: first?.name ?? "none",
    clusterSpecifier:
      first !== undefined && others.length === 0
        ? { case: "cluster", value: first.name }
        : { case: "weightedClusters", value: { clusters: target.clusters.map((entry) => ({ ...entry })) } },
    ...(dataPlane === "envoy" ? reporting(settings, direction) : { accessLog: accessLogs(mesh, "tcp") }),
    ...(target.idleTimeoutMs === undefined ? {} : { idleTimeout: protoDuration(target.idleTimeoutMs) }),
  });
  const stats = { name: "istio.stats", configType: { case: "typedConfig", value: statsConfig(metrics) } } as const;
  return [
    ...(dataPlane === "heddle" ? [stats] : []),
    {
      name: "envoy.filters.network.tcp_proxy",
      configType: { case: "typedConfig", value: packAny(TcpProxySchema, proxy) },
    },
  ];
}
