import {
  groupOf,
  type InjectorValues,
  type KubeObject,
  labelsMatch,
  type MeshConfig,
  type ObjectRef,
  readMeta,
  refKey,
  refOf,
  type ServiceView,
  type StringMap,
} from "@heddle/config";
import { applyEvents, emptyMesh, hostMatches, type MeshService, type MeshState } from "@heddle/model";
import { type PodTemplate, podTemplate } from "./pod-template.ts";

export interface AnalysisOptions {
  readonly mesh: MeshConfig;
  /** Default: `cluster.local`. */
  readonly domain?: string;
  /** Settings of the injector, where they are known. */
  readonly injector?: InjectorValues;
  /** `v1.31.2` of the API server, where there is one. */
  readonly kubernetesVersion?: string;
  /** Units: ms since 1970. For the validity of certificates; left out, it is not looked at. */
  readonly now?: number;
  /** The mesh's other clusters, as far as they were read. */
  readonly otherClusters?: readonly OtherCluster[];
  /** What pods listen on, as far as somebody looked. */
  readonly listening?: readonly ListeningPod[];
  /** Istio's minor version (21 of 1.21) that the cluster is to be upgraded from. */
  readonly fromMinor?: number;
}

/** Another cluster of the mesh. */
export interface OtherCluster {
  readonly name: string;
  readonly services: readonly ServiceView[];
}

/** TCP ports that a running pod listens on. */
export interface ListeningPod {
  readonly namespace: string;
  readonly name: string;
  /** Ports that only the pod itself reaches (127.0.0.0/8, ::1). */
  readonly loopback: readonly number[];
}

/** Everything that analyzers look at: resources read and put together, and the raw objects beside them. */
export interface AnalysisInput {
  /** The mesh that the objects make; resources that are not valid are missing in it and stand in `state.problems`. */
  readonly state: MeshState;
  readonly options: AnalysisOptions;
  /** Pods, and templates that make pods. */
  readonly workloads: readonly PodTemplate[];
  /** Raw objects of a kind. */
  ofKind(group: string, kind: string): readonly KubeObject[];
  find(ref: ObjectRef): KubeObject | undefined;
  readonly objects: readonly KubeObject[];
  /** Workloads of a namespace (all, when undefined) that carry the labels. */
  selected(namespace: string | undefined, labels: StringMap): readonly PodTemplate[];
  /** The service of a full host name; wildcard ServiceEntries cover names. */
  serviceOf(host: string): MeshService | undefined;
  /** Labels and annotations of a namespace; undefined when it is not among the objects. */
  namespaceOf(name: string): { readonly labels: StringMap; readonly annotations: StringMap } | undefined;
  /** True when namespaces are known at all: files often hold none. */
  readonly knowsNamespaces: boolean;
}

/** @param objects Each object once; of two with one name the later counts. */
export function analysisInput(objects: readonly KubeObject[], options: AnalysisOptions): AnalysisInput {
  const byKey = new Map(objects.map((object) => [refKey(refOf(object)), object]));
  const all = [...byKey.values()];
  const domain = options.domain ?? "cluster.local";
  const { state } = applyEvents(
    emptyMesh({ mesh: options.mesh, domain }),
    all.map((object) => ({ kind: "upsert", object }) as const),
  );
  const byKind = new Map<string, KubeObject[]>();
  for (const object of all) {
    const key = `${groupOf(object.apiVersion)}/${object.kind}`;
    byKind.set(key, [...(byKind.get(key) ?? []), object]);
  }
  const workloads = all.flatMap((object) => podTemplate(object) ?? []);
  const namespaces = new Map(
    (byKind.get("/Namespace") ?? []).map((object) => [object.metadata.name, readMeta(object.metadata)]),
  );
  const wildcards = [...state.services.values()].filter(({ hostname }) => hostname.startsWith("*"));
  return {
    state,
    options,
    workloads,
    objects: all,
    ofKind: (group, kind) => byKind.get(`${group}/${kind}`) ?? [],
    find: (ref) => byKey.get(refKey(ref)),
    selected: (namespace, labels) =>
      workloads.filter(
        (one) => (namespace === undefined || one.namespace === namespace) && labelsMatch(labels, one.labels),
      ),
    serviceOf: (host) => state.services.get(host) ?? wildcards.find(({ hostname }) => hostMatches(hostname, host)),
    namespaceOf: (name) => namespaces.get(name),
    knowsNamespaces: namespaces.size > 0,
  };
}
