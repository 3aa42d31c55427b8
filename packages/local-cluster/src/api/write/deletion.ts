import type { KubeObject } from "../../contract/index.ts";
import { at, type Draft, int, list, text } from "../json/json-value.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";

export interface DeleteRequest {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** Seconds that the object stays while something ends it; 0 for all but running pods. */
export function gracePeriod(def: ResourceDefinition, present: KubeObject, asked: number | undefined): number {
  if (def.storageKey !== "/pods") return 0;
  const phase = text(at(present, "status", "phase"));
  if (text(at(present, "spec", "nodeName")) === "" || phase === "Succeeded" || phase === "Failed") return 0;
  if (asked !== undefined) return Math.max(0, asked);
  return Math.max(0, int(at(present, "spec", "terminationGracePeriodSeconds"), 30));
}

const GC_FINALIZERS = ["orphan", "foregroundDeletion"];

/** Holds a definition until its objects are gone; Kubernetes adds it at deletion too. */
export const CRD_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

export function finalizersFor(present: KubeObject, policy: string | undefined): readonly string[] {
  let kept = present.metadata.finalizers ?? [];
  const first = present.metadata.deletionTimestamp === undefined;
  if (present.kind === "CustomResourceDefinition" && first && !kept.includes(CRD_FINALIZER))
    kept = [...kept, CRD_FINALIZER];
  if (policy === undefined) return kept;
  const others = kept.filter((name) => !GC_FINALIZERS.includes(name));
  if (policy === "Orphan") return [...others, "orphan"];
  if (policy === "Foreground") return [...others, "foregroundDeletion"];
  return others;
}

/** Whether nothing holds a deleted object any longer. */
export function mayVanish(object: Draft | KubeObject): boolean {
  if (at(object, "metadata", "deletionTimestamp") === undefined) return false;
  if (list(at(object, "metadata", "finalizers")).length > 0) return false;
  if (object["kind"] === "Namespace" && object["apiVersion"] === "v1") {
    return list(at(object, "spec", "finalizers")).length === 0;
  }
  return int(at(object, "metadata", "deletionGracePeriodSeconds")) === 0;
}
