import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DataPlane, MeshConfig } from "@heddle/config";
import { packAny } from "@heddle/xds-api";
import type { FilterSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { TcpProxySchema } from "@heddle/xds-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
import { accessLogs } from "../access-log.ts";
import { statsConfig } from "../http/filters.ts";

/** The network filters that pass bytes on to a cluster and count them. */
export function tcpFilters(
  cluster: string,
  dataPlane: DataPlane,
  mesh: MeshConfig,
): MessageInitShape<typeof FilterSchema>[] {
  const proxy = create(TcpProxySchema, {
    statPrefix: cluster,
    clusterSpecifier: { case: "cluster", value: cluster },
    accessLog: accessLogs(mesh),
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
