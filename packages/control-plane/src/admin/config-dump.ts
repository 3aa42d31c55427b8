import { fromBinary, type JsonValue, type Registry, toJson } from "@bufbuild/protobuf";
import type { EncodedResource } from "@heddle/xds";
import { toDumpJson, typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ClusterLoadAssignmentSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { NameTableSchema } from "@heddle/xds-api/istio/networking/nds/v1/nds";
import type { Connection } from "../xds/connection.ts";

/** What a proxy was given, in the form of Envoy's `/config_dump`, so that one reader serves both. */
export function configDump(connection: Connection, registry: Registry): JsonValue {
  const { current } = connection;
  const status = connection.status();
  const resources = (typeUrl: string): readonly EncodedResource[] => {
    const set = current?.snapshot.set(typeUrl);
    const one = status.find((candidate) => candidate.typeUrl === typeUrl);
    if (set === undefined || one === undefined) return [];
    return [...(one.wildcard ? set.names() : one.names)].flatMap((name) => set.get(name) ?? []);
  };
  const any = (typeUrl: string, message: JsonValue): JsonValue =>
    typeof message === "object" && message !== null ? { "@type": typeUrl, ...message } : message;
  const admin = "type.googleapis.com/envoy.admin.v3.";
  const cluster = (one: EncodedResource): JsonValue =>
    any(typeUrls.cluster, toDumpJson(ClusterSchema, fromBinary(ClusterSchema, one.body), registry));
  const listener = (one: EncodedResource): JsonValue =>
    any(typeUrls.listener, toDumpJson(ListenerSchema, fromBinary(ListenerSchema, one.body), registry));
  const route = (one: EncodedResource): JsonValue =>
    any(typeUrls.route, toDumpJson(RouteConfigurationSchema, fromBinary(RouteConfigurationSchema, one.body), registry));
  const endpoints = (one: EncodedResource): JsonValue =>
    any(
      typeUrls.endpoint,
      toDumpJson(ClusterLoadAssignmentSchema, fromBinary(ClusterLoadAssignmentSchema, one.body), registry),
    );
  return {
    configs: [
      {
        "@type": `${admin}ClustersConfigDump`,
        dynamic_active_clusters: resources(typeUrls.cluster).map((one) => ({
          version_info: one.version,
          cluster: cluster(one),
        })),
      },
      {
        "@type": `${admin}ListenersConfigDump`,
        dynamic_listeners: resources(typeUrls.listener).map((one) => ({
          name: one.name,
          active_state: { version_info: one.version, listener: listener(one) },
        })),
      },
      {
        "@type": `${admin}RoutesConfigDump`,
        dynamic_route_configs: resources(typeUrls.route).map((one) => ({
          version_info: one.version,
          route_config: route(one),
        })),
      },
      {
        "@type": `${admin}EndpointsConfigDump`,
        dynamic_endpoint_configs: resources(typeUrls.endpoint).map((one) => ({
          version_info: one.version,
          endpoint_config: endpoints(one),
        })),
      },
    ],
  };
}

/** The name table as `istioctl` shows it (`/debug/ndsz`); null for a proxy that has none. */
export function nameTableOf(connection: Connection): JsonValue {
  const table = connection.current?.snapshot.set(typeUrls.nameTable)?.get("");
  return table === undefined ? null : toJson(NameTableSchema, fromBinary(NameTableSchema, table.body));
}
