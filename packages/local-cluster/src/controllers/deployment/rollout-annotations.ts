import type { KubeObject } from "../../contract/index.ts";

export const REVISION = "deployment.kubernetes.io/revision";
export const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";
export const HASH_LABEL = "pod-template-hash";

/** Annotations of a Deployment that its ReplicaSets don't copy. */
const NOT_COPIED: readonly string[] = [
  "kubectl.kubernetes.io/last-applied-configuration",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  "deprecated.deployment.rollback.to",
];

type Annotations = Readonly<Record<string, string>>;

export function revisionOf(object: KubeObject | undefined): number {
  return Number(object?.metadata.annotations?.[REVISION] ?? 0) || 0;
}

export function desiredReplicas(replicaSet: KubeObject): number | undefined {
  const text = replicaSet.metadata.annotations?.[DESIRED_REPLICAS];
  return text === undefined ? undefined : Number(text);
}

/** Annotations of the new ReplicaSet: the Deployment's, the revision, and the revisions that it was before (`rollout undo`). */
export function newSetAnnotations(deployment: KubeObject, present: Annotations, revision: number): Annotations {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.includes(key));
  const next: Record<string, string> = { ...present, ...Object.fromEntries(copied) };
  const before = Number(present[REVISION] ?? 0) || 0;
  if (before < revision) {
    next[REVISION] = String(revision);
    if (before > 0) {
      const history = present[REVISION_HISTORY];
      next[REVISION_HISTORY] = history === undefined || history === "" ? String(before) : `${history},${before}`;
    }
  }
  return next;
}

/** What proportional scaling reads later: how many were wanted when this was written. */
export function replicasAnnotations(desired: number, most: number): Annotations {
  return { [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(most) };
}
