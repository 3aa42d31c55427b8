import type { Registry } from "@bufbuild/protobuf";
import { endpointsFor, type MeshState, type ProxyNode, type Views } from "@heddle/model";
import { recordOf } from "@heddle/std";
import { type Patcher, translateEndpoints, translateInbound, translateOutbound } from "@heddle/translate";
import { toDumpJson } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ClusterLoadAssignmentSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import type { ProxyConfigJson } from "./proxy-config.ts";

export interface Generator {
  readonly views: Views;
  readonly patcher: Patcher;
  readonly registry: Registry;
}

/** What the control plane would tell a proxy, endpoints included. */
export function generatedConfig(state: MeshState, proxy: ProxyNode, generator: Generator): ProxyConfigJson {
  const { views, patcher, registry } = generator;
  const view = views.viewFor(state, proxy);
  const outbound = patcher.apply(
    translateOutbound(view.outbound),
    view.outbound.patches,
    view.outbound.dataPlane,
  ).resources;
  const inbound = patcher.apply(
    translateInbound(view.inbound),
    view.inbound.patches,
    view.inbound.proxy.dataPlane,
  ).resources;
  const clusters = [...outbound.clusters, ...inbound.clusters];
  const eds = new Set(clusters.flatMap((cluster) => cluster.edsClusterConfig?.serviceName ?? []));
  return {
    listeners: [...outbound.listeners, ...inbound.listeners].map((one) =>
      recordOf(toDumpJson(ListenerSchema, one, registry)),
    ),
    routes: [...outbound.routes, ...inbound.routes].map((one) =>
      recordOf(toDumpJson(RouteConfigurationSchema, one, registry)),
    ),
    clusters: clusters.map((one) => recordOf(toDumpJson(ClusterSchema, one, registry))),
    endpoints: [...eds].flatMap((name) => {
      const found = endpointsFor(state, name);
      return found === undefined
        ? []
        : [recordOf(toDumpJson(ClusterLoadAssignmentSchema, translateEndpoints(found), registry))];
    }),
  };
}
