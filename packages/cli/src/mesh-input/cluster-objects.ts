import {
  asKubeObject,
  type InjectorValues,
  type KubeObject,
  type MeshConfig,
  parseInjectorValues,
  parseMeshConfig,
  watchedKinds,
} from "@heddle/config";
import { isKubeError, type KubeClient } from "@heddle/kube-client";
import { at, textOf } from "../json-view.ts";

/** A kind to read. */
export interface WantedKind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** What the mesh itself is built from. */
export const meshKinds: readonly WantedKind[] = watchedKinds;

const kind = (group: string, version: string, resource: string): WantedKind => ({ group, version, resource });

/** What findings need beside the mesh's own inputs. */
export const analysisKinds: readonly WantedKind[] = [
  ...watchedKinds,
  kind("apps", "v1", "deployments"),
  kind("apps", "v1", "statefulsets"),
  kind("apps", "v1", "daemonsets"),
  kind("", "v1", "secrets"),
  kind("", "v1", "configmaps"),
  kind("networking.k8s.io", "v1", "ingresses"),
  kind("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"),
  kind("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),
  kind("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
  kind("gateway.networking.k8s.io", "v1", "gateways"),
  kind("gateway.networking.k8s.io", "v1", "httproutes"),
  kind("security.istio.io", "v1", "requestauthentications"),
];

export interface ClusterRead {
  readonly objects: readonly KubeObject[];
  /** Kinds that this user may not list, as `resource.group`. */
  readonly forbidden: readonly string[];
}

/** All objects of the kinds in all namespaces. Kinds that are not served are none; other failures reject with `KubeError`. */
export async function readCluster(kube: KubeClient, kinds: readonly WantedKind[]): Promise<ClusterRead> {
  const objects: KubeObject[] = [];
  const forbidden: string[] = [];
  const seen = new Set<string>();
  await Promise.all(
    kinds.map(async (one) => {
      const name = one.group === "" ? one.resource : `${one.resource}.${one.group}`;
      if (seen.has(name)) return;
      seen.add(name);
      try {
        const { items } = await kube.list(one);
        for (const item of items) {
          const object = asKubeObject(item);
          if (object !== undefined) objects.push(object);
        }
      } catch (error) {
        if (isKubeError(error, 404)) return;
        if (!isKubeError(error, 403)) throw error;
        forbidden.push(name);
      }
    }),
  );
  return { objects, forbidden: forbidden.sort() };
}

/** The settings of the mesh in a cluster; the parts that are not there or not valid are undefined, and the defaults hold. */
export interface ClusterSettings {
  readonly mesh: MeshConfig | undefined;
  readonly injector: InjectorValues | undefined;
}

export async function clusterSettings(kube: KubeClient, namespace: string): Promise<ClusterSettings> {
  const data = async (name: string, key: string): Promise<string | undefined> => {
    const found = await kube.find({ apiVersion: "v1", kind: "ConfigMap", name, namespace }).catch((error: unknown) => {
      if (isKubeError(error, 403)) return undefined;
      throw error;
    });
    return found === undefined ? undefined : textOf(at(found, "data", key));
  };
  const [meshText, valuesText] = await Promise.all([data("istio", "mesh"), data("istio-sidecar-injector", "values")]);
  const mesh = meshText === undefined ? undefined : parseMeshConfig(meshText);
  const values = valuesText === undefined ? undefined : parseInjectorValues(valuesText);
  return { mesh: mesh?.ok ? mesh.value : undefined, injector: values?.ok ? values.value : undefined };
}
