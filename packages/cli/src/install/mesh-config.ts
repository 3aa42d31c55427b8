import { isObject } from "@heddle/config";
import { stringify } from "yaml";
import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";

type Values = Readonly<Record<string, unknown>>;

/** Deep merge of plain values: `over` wins, lists are replaced. */
export function mergeValues(base: Values, over: Values): Values {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isObject(old) && isObject(value) ? mergeValues(old, value) : value;
  }
  return merged;
}

type ConfigMap = Manifest & { readonly data: Readonly<Record<string, string>> };

/** ConfigMap `istio`: MeshConfig under `mesh`, MeshNetworks under `meshNetworks`, as Istio keeps them. */
export function meshConfigMap(options: InstallOptions): ConfigMap {
  const mesh = mergeValues(
    {
      trustDomain: options.trustDomain,
      rootNamespace: options.namespace,
      enableAutoMtls: true,
      enablePrometheusMerge: true,
      accessLogFile: "",
      defaultConfig: {
        discoveryAddress: `istiod.${options.namespace}.svc:15012`,
        meshId: options.meshId,
      },
    },
    options.meshConfig,
  );
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "istio", namespace: options.namespace, labels: meshLabels("mesh-config") },
    data: { mesh: stringify(mesh), meshNetworks: stringify({ networks: options.meshNetworks }) },
  };
}

/** ConfigMap `istio-sidecar-injector`: what injected pods get unless an annotation says otherwise. */
export function injectorConfigMap(options: InstallOptions): ConfigMap {
  const values = mergeValues(
    {
      global: {
        istioNamespace: options.namespace,
        imagePullPolicy: options.imagePullPolicy,
        meshID: options.meshId,
        network: options.network,
        multiCluster: { clusterName: options.clusterId },
        proxy: {
          image: `${options.image}:${options.version}`,
          envoyImage: `${options.image}-envoy:${options.version}`,
          clusterDomain: options.clusterDomain,
          resources: { requests: { cpu: "10m", memory: "40Mi" } },
        },
      },
    },
    options.injectorValues,
  );
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "istio-sidecar-injector", namespace: options.namespace, labels: meshLabels("sidecar-injector") },
    data: { values: `${JSON.stringify(values, null, 2)}\n` },
  };
}
