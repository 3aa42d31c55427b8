import type { KubeClient } from "@heddle/kube-client";
import { at, type JsonRecord, listOf, recordOf, textOf } from "@heddle/std";
import { podGet } from "../pod-http.ts";
import { snakeKeys } from "../snake-keys.ts";

/** Port of the proxy's admin interface, on the pod's loopback. */
export const ADMIN_PORT = 15000;

/** A proxy's configuration as it has it now, by xDS type, each resource as JSON with proto field names. */
export interface ConfigDump {
  readonly bootstrap: JsonRecord;
  readonly listeners: readonly JsonRecord[];
  readonly routes: readonly JsonRecord[];
  readonly clusters: readonly JsonRecord[];
  readonly secrets: readonly {
    readonly name: string;
    readonly state: "ACTIVE" | "WARMING";
    readonly secret: JsonRecord;
  }[];
}

export async function fetchDump(kube: KubeClient, namespace: string, pod: string): Promise<ConfigDump> {
  return readDump(JSON.parse(await podGet(kube, namespace, pod, ADMIN_PORT, "/config_dump")));
}

/** Endpoints with their health, from the admin's `/clusters?format=json`. */
export async function fetchEndpoints(kube: KubeClient, namespace: string, pod: string): Promise<JsonRecord> {
  return recordOf(snakeKeys(JSON.parse(await podGet(kube, namespace, pod, ADMIN_PORT, "/clusters?format=json"))));
}

/** Reads `/config_dump` of Envoy or of the built-in proxy. Source: envoy/admin/v3/config_dump_shared.proto. */
export function readDump(json: unknown): ConfigDump {
  const configs = listOf(at(snakeKeys(json), "configs")).map(recordOf);
  const part = (type: string) => configs.find((c) => textOf(c["@type"]).endsWith(`.${type}`)) ?? {};
  const inside = (type: string, lists: readonly string[], ...path: readonly string[]) =>
    lists.flatMap((name) => listOf(part(type)[name]).map((entry) => recordOf(at(entry, ...path))));
  const secrets = (list: string, state: "ACTIVE" | "WARMING") =>
    listOf(part("SecretsConfigDump")[list]).map((s) => ({
      name: textOf(at(s, "name")),
      state,
      secret: recordOf(at(s, "secret")),
    }));
  const listeners = part("ListenersConfigDump");
  return {
    bootstrap: recordOf(part("BootstrapConfigDump")["bootstrap"]),
    listeners: [
      ...listOf(listeners["static_listeners"]).map((l) => recordOf(at(l, "listener"))),
      ...listOf(listeners["dynamic_listeners"]).map((l) => recordOf(at(l, "active_state", "listener"))),
    ].filter((l) => Object.keys(l).length > 0),
    routes: inside("RoutesConfigDump", ["static_route_configs", "dynamic_route_configs"], "route_config"),
    clusters: inside("ClustersConfigDump", ["static_clusters", "dynamic_active_clusters"], "cluster"),
    secrets: [
      ...secrets("static_secrets", "ACTIVE"),
      ...secrets("dynamic_active_secrets", "ACTIVE"),
      ...secrets("dynamic_warming_secrets", "WARMING"),
    ],
  };
}
