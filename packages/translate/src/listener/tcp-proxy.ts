import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DataPlane, MeshConfig } from "@heddle/config";
import { packAny } from "@heddle/xds-api";
import type { FilterSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { TcpProxySchema } from "@heddle/xds-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
import { accessLogs } from "../access-log.ts";
import { statsConfig } from "../http/filters.ts";
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

/** The network filters that pass bytes on to clusters and count them. */
export function tcpFilters(
  target: TcpTarget,
  dataPlane: DataPlane,
  mesh: MeshConfig,
): MessageInitShape<typeof FilterSchema>[] {
  const [first, ...others] = target.clusters;
  const proxy = create(TcpProxySchema, {
    statPrefix: first?.name ?? "none",
    clusterSpecifier:
      first !== undefined && others.length === 0
        ? { case: "cluster", value: first.name }
        : { case: "weightedClusters", value: { clusters: target.clusters.map((entry) => ({ ...entry })) } },
    accessLog: accessLogs(mesh),
    ...(target.idleTimeoutMs === undefined ? {} : { idleTimeout: protoDuration(target.idleTimeoutMs) }),
  });
  const stats = { name: "istio.stats", configType: { case: "typedConfig", value: statsConfig() } } as const;
  return [
    ...(dataPlane === "heddle" ? [stats] : []),
    {
      name: "envoy.filters.network.tcp_proxy",
      configType: { case: "typedConfig", value: packAny(TcpProxySchema, proxy) },
    },
  ];
}
