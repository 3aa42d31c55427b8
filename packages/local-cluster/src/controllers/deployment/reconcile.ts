import { at, dict, int, sameJson } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Action, Plan } from "../action.ts";
import { claim, controllerReference } from "../ownership.ts";
import { isFinished } from "../pod-state.ts";
import { stringMap, templateHash } from "../pod-template.ts";
import { DEPLOYMENTS, REPLICA_SETS } from "../resource-ids.ts";
import { conditionOf, withCondition } from "../status-conditions.ts";
import {
  type DeploymentStatus,
  deadlineLeftMs,
  deploymentStatus,
  isComplete,
  pausedConditions,
  rolloutStatus,
} from "./deployment-status.ts";
import { newSetReplicas, rollOn } from "./rolling-update.ts";
import { HASH_LABEL, newSetAnnotations, REVISION, replicasAnnotations, revisionOf } from "./rollout-annotations.ts";
import { type RolloutView, rolloutView, specReplicas, statusCount } from "./rollout-view.ts";
import { isScalingEvent, scaleProportionally, scaleTo } from "./scaling.ts";

export interface DeploymentObserved {
  readonly deployment: KubeObject;
  /** ReplicaSets that it controls, and those of its namespace that nobody does. */
  readonly replicaSets: readonly KubeObject[];
  /** Pods of those ReplicaSets. */
  readonly pods: readonly KubeObject[];
  readonly nowMs: number;
}

/** One step of a rollout; every step's result brings the next look. Source: Kubernetes' deployment controller. */
export function reconcileDeployment(observed: DeploymentObserved): Plan {
  const { deployment, nowMs } = observed;
  const { owned, actions: claims } = claim(deployment, observed.replicaSets, REPLICA_SETS);
  if (claims.length > 0) return { actions: claims };
  const view = rolloutView(deployment, owned, nowMs);
  const conditions = pausedConditions(view, at(deployment, "status", "conditions"));
  if (deployment.metadata.deletionTimestamp !== undefined)
    return { actions: statusActions(view, deploymentStatus(view, conditions)) };
  if (view.paused || isScalingEvent(view)) {
    const known = view.newSet === undefined ? [] : adoptRevision(view, view.newSet);
    const cleanup = view.paused && at(deployment, "spec", "rollbackTo") === undefined ? cleanUp(view) : [];
    return {
      actions: [
        ...known,
        ...(known.length > 0 ? [] : scaleProportionally(view)),
        ...cleanup,
        ...statusActions(view, deploymentStatus(view, conditions)),
      ],
    };
  }
  return step(view, conditions, observed.pods);
}

function step(view: RolloutView, conditions: unknown, pods: readonly KubeObject[]): Plan {
  const { newSet } = view;
  const actions: Action[] = [];
  let next = conditions;
  if (newSet === undefined) {
    if (view.recreate && !oldOnesGone(view, pods)) {
      actions.push(...view.oldSets.flatMap((set) => (specReplicas(set) > 0 ? scaleTo(view, set, 0) : [])));
    } else {
      const made = newReplicaSet(view);
      actions.push(made);
      next = progressCondition(
        view,
        next,
        "NewReplicaSetCreated",
        `Created new replica set "${made.object.metadata.name}"`,
      );
    }
  } else {
    const adopted = adoptRevision(view, newSet);
    actions.push(...adopted);
    if (conditionOf(next, "Progressing") === undefined) {
      next = progressCondition(view, next, "FoundNewReplicaSet", `Found new replica set "${newSet.metadata.name}"`);
    }
    // Patches of one object in one plan would conflict with each other.
    if (adopted.length === 0) actions.push(...move(view, newSet, pods));
    if (isComplete(view)) actions.push(...cleanUp(view));
  }
  const status = rolloutStatus(view, next);
  actions.push(...statusActions(view, status));
  const leftMs = deadlineLeftMs(view, conditionOf(status.conditions, "Progressing"));
  return { actions, ...(leftMs !== undefined && leftMs > 0 && { againInMs: leftMs + 1000 }) };
}

function move(view: RolloutView, newSet: KubeObject, pods: readonly KubeObject[]): readonly Action[] {
  if (!view.recreate) return rollOn(view, newSet);
  const down = view.oldSets.flatMap((set) => (specReplicas(set) > 0 ? scaleTo(view, set, 0) : []));
  if (down.length > 0) return down;
  return oldOnesGone(view, pods) ? scaleTo(view, newSet, view.replicas) : [];
}

/** Recreate starts new pods only when the last old one has ended. */
function oldOnesGone(view: RolloutView, pods: readonly KubeObject[]): boolean {
  const uids = new Set(view.oldSets.map((set) => set.metadata.uid));
  return !pods.some(
    (pod) => !isFinished(pod) && pod.metadata.ownerReferences?.some(({ uid }) => uids.has(uid)) === true,
  );
}

function newReplicaSet(view: RolloutView): Extract<Action, { kind: "create" }> {
  const { deployment } = view;
  const template = dict(at(deployment, "spec", "template"));
  const hash = templateHash(template, int(at(deployment, "status", "collisionCount")));
  const labels = { ...stringMap(at(template, "metadata", "labels")), [HASH_LABEL]: hash };
  const selector = dict(at(deployment, "spec", "selector"));
  const revision = Math.max(0, ...view.oldSets.map(revisionOf)) + 1;
  const replicas = newSetReplicas(view);
  const name = `${deployment.metadata.name}-${hash}`;
  const object: KubeObject = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: deployment.metadata.namespace ?? "",
      labels,
      annotations: {
        ...newSetAnnotations(deployment, {}, revision),
        ...replicasAnnotations(view.replicas, view.replicas + view.maxSurge),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(view.minReadySeconds > 0 && { minReadySeconds: view.minReadySeconds }),
      selector: { ...selector, matchLabels: { ...stringMap(selector["matchLabels"]), [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...dict(template["metadata"]), labels } },
    },
  };
  const about = deployment;
  const success = { reason: "ScalingReplicaSet", message: `Scaled up replica set ${name} from 0 to ${replicas}` };
  return {
    kind: "create",
    resource: REPLICA_SETS,
    object,
    tell: {
      about,
      ...(replicas > 0 && { success }),
      failure: { reason: "ReplicaSetCreateError", message: `Failed to create new replica set "${name}"` },
    },
  };
}

/** A ReplicaSet that becomes the new one (again) gets the next revision number; the Deployment repeats it. */
function adoptRevision(view: RolloutView, newSet: KubeObject): readonly Action[] {
  const { deployment } = view;
  const revision = Math.max(0, ...view.oldSets.map(revisionOf)) + 1;
  const present = newSet.metadata.annotations ?? {};
  const annotations = newSetAnnotations(deployment, present, revision);
  const actions: Action[] = [];
  const minReady = int(at(newSet, "spec", "minReadySeconds"));
  if (!sameJson(annotations, present) || minReady !== view.minReadySeconds) {
    const patch = { metadata: { annotations }, spec: { minReadySeconds: view.minReadySeconds } };
    actions.push({ kind: "patch", resource: REPLICA_SETS, object: newSet, patch, ifUnchanged: true });
  }
  const number = annotations[REVISION];
  if (number !== undefined && deployment.metadata.annotations?.[REVISION] !== number) {
    actions.push({
      kind: "patch",
      resource: DEPLOYMENTS,
      object: deployment,
      patch: { metadata: { annotations: { [REVISION]: number } } },
    });
  }
  return actions;
}

function cleanUp(view: RolloutView): readonly Action[] {
  const limit = int(at(view.deployment, "spec", "revisionHistoryLimit"), 10);
  const idle = view.oldSets.filter(
    (set) =>
      specReplicas(set) === 0 && statusCount(set, "replicas") === 0 && set.metadata.deletionTimestamp === undefined,
  );
  const surplus = idle.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, idle.length - limit));
  return surplus.map((object) => ({ kind: "delete", resource: REPLICA_SETS, object }));
}

function progressCondition(view: RolloutView, conditions: unknown, reason: string, message: string): unknown {
  if (view.progressDeadlineSeconds === undefined) return conditions;
  return withCondition(conditions, { type: "Progressing", status: "True", reason, message }, view.nowMs, true);
}

function statusActions(view: RolloutView, status: DeploymentStatus): readonly Action[] {
  if (sameJson(status, at(view.deployment, "status"))) return [];
  return [
    {
      kind: "patch",
      resource: DEPLOYMENTS,
      object: view.deployment,
      patch: { status: replaced(at(view.deployment, "status"), status) },
      subresource: "status",
    },
  ];
}

/** A merge patch that leaves exactly `next`. */
function replaced(present: unknown, next: DeploymentStatus): Readonly<Record<string, unknown>> {
  const removed = Object.keys(dict(present)).filter((key) => next[key] === undefined);
  return { ...Object.fromEntries(removed.map((key) => [key, null])), ...next };
}
