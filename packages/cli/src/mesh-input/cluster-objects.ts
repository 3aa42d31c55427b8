import type { AnalysisOptions } from "@heddle/analysis";
import {
  asKubeObject,
  type InjectorValues,
  type KubeObject,
  type MeshConfig,
  parseInjectorValues,
  parseMeshConfig,
} from "@heddle/config";
import { isKubeError, type KubeClient, type ListedKind, listKinds } from "@heddle/kube-client";
import { at, textOf } from "@heddle/std";
import { UsageError } from "../context.ts";

export interface ClusterRead {
  readonly objects: readonly KubeObject[];
  /** Kinds that this user may not list, as `resource.group`. */
  readonly forbidden: readonly string[];
}

/** All objects of the kinds in all namespaces. Errors: `KubeError`. */
export async function readCluster(kube: KubeClient, kinds: readonly ListedKind[]): Promise<ClusterRead> {
  const { objects, forbidden } = await listKinds(kube, kinds);
  return { objects: objects.flatMap((object) => asKubeObject(object) ?? []), forbidden };
}

/** The settings of the mesh in a cluster; the parts that are not there or not valid are undefined, and the defaults hold. */
export interface ClusterSettings {
  readonly mesh: MeshConfig | undefined;
  readonly injector: InjectorValues | undefined;
}

/**
 * @param revision Of the control plane whose ConfigMaps are read; undefined or `default`: the one without a revision.
 * Errors: `UsageError` when there is no control plane with this revision.
 */
export async function clusterSettings(
  kube: KubeClient,
  namespace: string,
  revision?: string,
): Promise<ClusterSettings> {
  const suffix = revision === undefined || revision === "default" ? "" : `-${revision}`;
  const data = async (name: string, key: string): Promise<string | undefined> => {
    const found = await kube.find({ apiVersion: "v1", kind: "ConfigMap", name, namespace }).catch((error: unknown) => {
      if (isKubeError(error, 403)) return undefined;
      throw error;
    });
    return found === undefined ? undefined : textOf(at(found, "data", key));
  };
  const [meshText, valuesText] = await Promise.all([
    data(`istio${suffix}`, "mesh"),
    data(`istio-sidecar-injector${suffix}`, "values"),
  ]);
  if (suffix !== "" && meshText === undefined)
    throw new UsageError(
      `--revision ${revision}: there is no ConfigMap istio${suffix} in namespace ${namespace} that you may read; leave --revision out for the control plane without a revision`,
    );
  const mesh = meshText === undefined ? undefined : parseMeshConfig(meshText);
  const values = valuesText === undefined ? undefined : parseInjectorValues(valuesText);
  return { mesh: mesh?.ok ? mesh.value : undefined, injector: values?.ok ? values.value : undefined };
}

/** What analyzers may know of a cluster beside its objects. Errors: as `clusterSettings`, `KubeError`. */
export async function clusterOptions(
  kube: KubeClient,
  namespace: string,
  revision?: string,
): Promise<Partial<AnalysisOptions>> {
  const [{ mesh, injector }, version] = await Promise.all([
    clusterSettings(kube, namespace, revision),
    kube.request("GET", "/version").then((answer) => answer.json()),
  ]);
  const kubernetesVersion = textOf(at(version, "gitVersion"));
  return {
    ...(mesh === undefined ? {} : { mesh }),
    ...(injector === undefined ? {} : { injector }),
    ...(kubernetesVersion === "" ? {} : { kubernetesVersion }),
  };
}
