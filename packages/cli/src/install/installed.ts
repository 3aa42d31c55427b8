import { isObject } from "@heddle/config";
import type { KubeClient } from "@heddle/kube-client";
import { at, textOf } from "@heddle/std";
import { parse } from "yaml";
import { UsageError } from "../context.ts";
import { mergeValues } from "./mesh-config.ts";
import type { InstallOptions } from "./options.ts";

/** A gateway that is added to a mesh lives by that mesh's settings: names of cluster, network and trust domain. */
export async function withInstalledSettings(kube: KubeClient, options: InstallOptions): Promise<InstallOptions> {
  const read = async (name: string, key: string): Promise<Readonly<Record<string, unknown>>> => {
    const found = await kube.find({ apiVersion: "v1", kind: "ConfigMap", namespace: options.namespace, name });
    if (found === undefined)
      throw new UsageError(
        `profile empty adds gateways to a mesh, and there is none in namespace ${options.namespace} (ConfigMap ${name} is missing); install one first`,
      );
    const value: unknown = parse(textOf(at(found, "data", key)));
    return isObject(value) ? value : {};
  };
  const values = await read("istio-sidecar-injector", "values");
  const meshConfig = await read("istio", "mesh");
  const text = (path: readonly string[], fallback: string) => textOf(at(values, ...path)) || fallback;
  const deployment = { apiVersion: "apps/v1", kind: "Deployment", namespace: options.namespace, name: "istiod" };
  // A remote cluster has none.
  const replicas = Number(textOf(at(await kube.find(deployment), "spec", "replicas")));
  const trustDomain = textOf(at(meshConfig, "trustDomain")) || options.trustDomain;
  return {
    ...options,
    clusterId: text(["global", "multiCluster", "clusterName"], options.clusterId),
    meshId: text(["global", "meshID"], options.meshId),
    clusterDomain: text(["global", "proxy", "clusterDomain"], options.clusterDomain),
    network: options.network || text(["global", "network"], ""),
    trustDomain,
    replicas,
    meshConfig: mergeValues(meshConfig, options.meshConfig),
    injectorValues: mergeValues(values, options.injectorValues),
  };
}
