import { at, type JsonRecord, recordOf, textOf } from "@heddle/std";
import { recordsOf } from "./json.ts";

/** A proxy's configuration in Envoy's JSON form with proto field names. */
export interface ProxyConfigJson {
  readonly listeners: readonly JsonRecord[];
  readonly routes: readonly JsonRecord[];
  readonly clusters: readonly JsonRecord[];
  /** ClusterLoadAssignments. */
  readonly endpoints: readonly JsonRecord[];
}

/** Reads `/config_dump?include_eds`. Parts that are missing are empty. Source: envoy.admin.v3. */
export function proxyConfigOf(dump: unknown): ProxyConfigJson {
  const configs = recordsOf(at(dump, "configs"));
  const part = (type: string): JsonRecord => configs.find((one) => textOf(one["@type"]).endsWith(`.${type}`)) ?? {};
  const inside = (type: string, lists: readonly string[], ...path: readonly string[]): readonly JsonRecord[] =>
    lists
      .flatMap((name) => recordsOf(part(type)[name]).map((entry) => recordOf(at(entry, ...path))))
      .filter((one) => Object.keys(one).length > 0);
  return {
    listeners: [
      ...inside("ListenersConfigDump", ["static_listeners"], "listener"),
      ...inside("ListenersConfigDump", ["dynamic_listeners"], "active_state", "listener"),
    ],
    routes: inside("RoutesConfigDump", ["static_route_configs", "dynamic_route_configs"], "route_config"),
    clusters: inside("ClustersConfigDump", ["static_clusters", "dynamic_active_clusters"], "cluster"),
    endpoints: inside(
      "EndpointsConfigDump",
      ["static_endpoint_configs", "dynamic_endpoint_configs"],
      "endpoint_config",
    ),
  };
}
