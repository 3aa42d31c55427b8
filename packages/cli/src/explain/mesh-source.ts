import {
  defaultInjectorValues,
  defaultMeshConfig,
  type InjectorValues,
  ingressKinds,
  type KubeObject,
  type MeshConfig,
  refKey,
  refOf,
  watchedKinds,
} from "@heddle/config";
import { settle } from "@heddle/explain";
import type { KubeClient, ListedKind } from "@heddle/kube-client";
import { type CliContext, UsageError } from "../context.ts";
import type { GlobalOptions } from "../global-options.ts";
import { clusterSettings, readCluster } from "../mesh-input/cluster-objects.ts";
import { readMeshConfigFile } from "../mesh-input/mesh-config-file.ts";
import { readFiles } from "../mesh-input/read-files.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";

/** Where a mesh comes from. */
export interface SourceFlags {
  /** Manifests; together with a cluster they go over its objects. */
  readonly files: readonly string[];
  readonly useKube: boolean;
  readonly namespace: string | undefined;
  readonly meshConfigFile: string | undefined;
}

export interface MeshObjects {
  readonly objects: readonly KubeObject[];
  readonly mesh: MeshConfig;
  readonly values: InjectorValues;
  readonly kube: KubeClient | undefined;
  /** For objects and pods that name none. */
  readonly namespace: string;
}

const workloads: readonly ListedKind[] = [
  { group: "apps", version: "v1", resource: "deployments" },
  { group: "apps", version: "v1", resource: "statefulsets" },
  { group: "apps", version: "v1", resource: "daemonsets" },
];

/** Reads cluster and files, unsettled. Errors: UsageError for files, KubeError for the cluster. */
export async function readMesh(context: CliContext, global: GlobalOptions, flags: SourceFlags): Promise<MeshObjects> {
  const kube = flags.useKube ? await context.kube(global) : undefined;
  const namespace = flags.namespace ?? kube?.namespace ?? "default";
  const live =
    kube === undefined ? undefined : await readCluster(kube, [...watchedKinds, ...ingressKinds, ...workloads]);
  if (live !== undefined && live.forbidden.length > 0)
    context.err(`not looked at, because listing is forbidden: ${live.forbidden.join(", ")}\n`);
  const settings = kube === undefined ? undefined : await clusterSettings(kube, await findMeshNamespace(kube, global));
  const files = await filesOf(context, flags.files, namespace);
  const mesh = flags.meshConfigFile === undefined ? settings?.mesh : await readMeshConfigFile(flags.meshConfigFile);
  return {
    objects: overlay(live?.objects ?? [], files),
    mesh: mesh ?? defaultMeshConfig(),
    values: settings?.injector ?? defaultInjectorValues(),
    kube,
    namespace,
  };
}

export async function filesOf(
  context: CliContext,
  files: readonly string[],
  namespace: string,
): Promise<readonly KubeObject[]> {
  const read = await readFiles(context, files, { recursive: true, namespace });
  if (read.problems.length > 0) throw new UsageError(read.problems.join("\n"), 65);
  return read.objects.map(({ object }) => object);
}

/** The later object of a name counts; of the cluster's it keeps the age, which decides conflicts. */
export function overlay(below: readonly KubeObject[], above: readonly KubeObject[]): readonly KubeObject[] {
  const merged = new Map(below.map((object) => [refKey(refOf(object)), object]));
  for (const object of above) {
    const key = refKey(refOf(object));
    const old = merged.get(key);
    const metadata = { creationTimestamp: old?.metadata["creationTimestamp"], ...object.metadata };
    merged.set(key, old === undefined ? object : { ...object, metadata });
  }
  return [...merged.values()];
}

/** Settled: every workload has a pod with an address. */
export function settled(
  source: Pick<MeshObjects, "mesh" | "values">,
  objects: readonly KubeObject[],
): readonly KubeObject[] {
  return settle(objects, { mesh: source.mesh, values: source.values });
}
