import { at, dict, int, sameJson } from "../api/json/json-value.ts";
import type { KubeObject } from "../contract/index.ts";
import type { Action } from "./action.ts";
import { controllerReference } from "./ownership.ts";
import { createdMs } from "./pod-state.ts";
import { stringMap, templateHash } from "./pod-template.ts";
import { REVISIONS } from "./resource-ids.ts";

export const REVISION_LABEL = "controller-revision-hash";

/** The templates that a StatefulSet or DaemonSet had, as ControllerRevisions. */
export interface RevisionHistory {
  /** Name of the revision of the present template. */
  readonly updateRevision: string;
  readonly updateNumber: number;
  /** What `controller-revision-hash` of new pods is. */
  readonly hash: string;
  /** What must be written first; empty when the history is up to date. */
  readonly actions: readonly Action[];
}

/** `revisions` are those that the owner controls. `live` names revisions that pods still have. Source: Kubernetes' `controller/history`. */
export function revisionHistory(
  owner: KubeObject,
  revisions: readonly KubeObject[],
  live: ReadonlySet<string>,
  hashIsName: boolean,
): RevisionHistory {
  const data = { spec: { template: { ...dict(at(owner, "spec", "template")), $patch: "replace" } } };
  const sorted = revisions.toSorted((a, b) => numberOf(a) - numberOf(b) || createdMs(a) - createdMs(b));
  const newest = numberOf(sorted.at(-1));
  const same = sorted.findLast((revision) => sameJson(revision["data"], data));
  const hash = templateHash(data, int(at(owner, "status", "collisionCount")));
  const name = same?.metadata.name ?? `${owner.metadata.name}-${hash}`;
  const shown = hashIsName ? name : (same?.metadata.labels?.[REVISION_LABEL] ?? hash);
  const actions: Action[] = [];
  if (same === undefined)
    actions.push({
      kind: "create",
      resource: REVISIONS,
      object: newRevision(owner, name, shown, data, newest + 1),
      mayExist: true,
    });
  // An old template that is used again becomes the newest.
  else if (numberOf(same) < newest)
    actions.push({
      kind: "patch",
      resource: REVISIONS,
      object: same,
      patch: { revision: newest + 1 },
      ifUnchanged: true,
    });
  const limit = int(at(owner, "spec", "revisionHistoryLimit"), 10);
  const idle = sorted.filter(
    (revision) =>
      revision !== same &&
      !live.has(revision.metadata.name) &&
      !live.has(revision.metadata.labels?.[REVISION_LABEL] ?? ""),
  );
  for (const object of idle.slice(0, Math.max(0, idle.length - limit)))
    actions.push({ kind: "delete", resource: REVISIONS, object });
  return {
    updateRevision: name,
    updateNumber: same === undefined ? newest + 1 : Math.max(numberOf(same), newest),
    hash: shown,
    actions,
  };
}

function numberOf(revision: KubeObject | undefined): number {
  return int(revision?.["revision"]);
}

function newRevision(owner: KubeObject, name: string, hash: string, data: unknown, revision: number): KubeObject {
  const labels = { ...stringMap(at(owner, "spec", "template", "metadata", "labels")), [REVISION_LABEL]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name,
      namespace: owner.metadata.namespace ?? "",
      labels,
      annotations: owner.metadata.annotations ?? {},
      ownerReferences: [controllerReference(owner)],
    },
    data,
    revision,
  };
}

/** The pod template that a revision keeps. */
export function templateOf(revision: KubeObject): unknown {
  const { $patch: _, ...template } = dict(at(revision, "data", "spec", "template"));
  return template;
}
