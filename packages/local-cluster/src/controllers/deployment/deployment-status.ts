import { at, dict, int, list, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { conditionOf, withCondition, withoutCondition } from "../status-conditions.ts";
import { allSets, type RolloutView, specReplicas, statusCount, total } from "./rollout-view.ts";

type Conditions = readonly Readonly<Record<string, unknown>>[];

interface Counts {
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  readonly unavailable: number;
}

export type DeploymentStatus = Readonly<Record<string, unknown>> & { readonly conditions?: Conditions };

/** Counts and the Available condition. `conditions` are those so far. */
export function deploymentStatus(view: RolloutView, conditions: unknown): DeploymentStatus {
  const counts = countsOf(view);
  const enough = counts.available >= view.replicas - view.maxUnavailable;
  const next = withCondition(
    conditions,
    enough
      ? {
          type: "Available",
          status: "True",
          reason: "MinimumReplicasAvailable",
          message: "Deployment has minimum availability.",
        }
      : {
          type: "Available",
          status: "False",
          reason: "MinimumReplicasUnavailable",
          message: "Deployment does not have minimum availability.",
        },
    view.nowMs,
    true,
  );
  const collisions = at(view.deployment, "status", "collisionCount");
  return {
    observedGeneration: view.deployment.metadata.generation ?? 0,
    ...(counts.replicas > 0 && { replicas: counts.replicas }),
    ...(counts.updated > 0 && { updatedReplicas: counts.updated }),
    ...(counts.ready > 0 && { readyReplicas: counts.ready }),
    ...(counts.available > 0 && { availableReplicas: counts.available }),
    ...(counts.unavailable > 0 && { unavailableReplicas: counts.unavailable }),
    ...(collisions !== undefined && { collisionCount: collisions }),
    ...(next.length > 0 && { conditions: next }),
  };
}

function countsOf(view: RolloutView): Counts {
  const sets = allSets(view);
  const available = total(sets, (set) => statusCount(set, "availableReplicas"));
  return {
    replicas: total(sets, (set) => statusCount(set, "replicas")),
    updated: statusCount(view.newSet, "replicas"),
    ready: total(sets, (set) => statusCount(set, "readyReplicas")),
    available,
    unavailable: Math.max(0, total(sets, specReplicas) - available),
  };
}

/** Status during a rollout: also Progressing and ReplicaFailure. Source: Kubernetes' deployment `progress.go`. */
export function rolloutStatus(view: RolloutView, before: unknown): DeploymentStatus {
  const { conditions } = deploymentStatus(view, before);
  const counts = countsOf(view);
  const deadline = view.progressDeadlineSeconds;
  const progressing = conditionOf(conditions, "Progressing");
  let next: unknown = deadline === undefined ? withoutCondition(conditions, "Progressing") : conditions;
  const settled = counts.replicas === counts.updated && progressing?.["reason"] === "NewReplicaSetAvailable";
  if (deadline !== undefined && !settled) {
    const what =
      view.newSet === undefined
        ? `Deployment "${view.deployment.metadata.name}"`
        : `ReplicaSet "${view.newSet.metadata.name}"`;
    if (isComplete(view, counts)) {
      next = progress(next, view, "True", "NewReplicaSetAvailable", `${what} has successfully progressed.`);
    } else if (hasProgressed(view, counts)) {
      // Set anew each time, so that the deadline counts from the last step.
      const since = progressing?.["status"] === "True" ? text(progressing["lastTransitionTime"]) : "";
      next = progress(
        withoutCondition(next, "Progressing"),
        view,
        "True",
        "ReplicaSetUpdated",
        `${what} is progressing.`,
      ).map((item) => (item["type"] === "Progressing" && since !== "" ? { ...item, lastTransitionTime: since } : item));
    } else if ((deadlineLeftMs(view, progressing) ?? 1) <= 0) {
      next = progress(next, view, "False", "ProgressDeadlineExceeded", `${what} has timed out progressing.`);
    }
  }
  return deploymentStatus(view, withFailure(next, view));
}

function progress(
  conditions: unknown,
  view: RolloutView,
  status: "True" | "False" | "Unknown",
  reason: string,
  message: string,
): Conditions {
  return withCondition(conditions, { type: "Progressing", status, reason, message }, view.nowMs, true);
}

/** `kubectl rollout pause` and `resume` stop and restart the deadline. */
export function pausedConditions(view: RolloutView, conditions: unknown): unknown {
  if (view.progressDeadlineSeconds === undefined) return conditions;
  const present = conditionOf(conditions, "Progressing");
  if (present?.["reason"] === "ProgressDeadlineExceeded") return conditions;
  if (view.paused && present?.["reason"] !== "DeploymentPaused")
    return progress(conditions, view, "Unknown", "DeploymentPaused", "Deployment is paused");
  if (!view.paused && present?.["reason"] === "DeploymentPaused")
    return progress(conditions, view, "Unknown", "DeploymentResumed", "Deployment is resumed");
  return conditions;
}

export function isComplete(
  view: RolloutView,
  counts: { readonly replicas: number; readonly updated: number; readonly available: number } = countsOf(view),
): boolean {
  return counts.updated === view.replicas && counts.replicas === view.replicas && counts.available === view.replicas;
}

function hasProgressed(view: RolloutView, counts: Counts): boolean {
  const before = dict(at(view.deployment, "status"));
  const updated = int(before["updatedReplicas"]);
  return (
    counts.updated > updated ||
    counts.replicas - counts.updated < int(before["replicas"]) - updated ||
    counts.ready > int(before["readyReplicas"]) ||
    counts.available > int(before["availableReplicas"])
  );
}

/** Undefined when the rollout is not under way. Units: ms. */
export function deadlineLeftMs(
  view: RolloutView,
  progressing: Readonly<Record<string, unknown>> | undefined,
): number | undefined {
  if (view.progressDeadlineSeconds === undefined || progressing === undefined) return undefined;
  if (progressing["reason"] === "NewReplicaSetAvailable" || progressing["reason"] === "DeploymentPaused")
    return undefined;
  if (progressing["reason"] === "ProgressDeadlineExceeded") return 0;
  const from = Date.parse(text(progressing["lastUpdateTime"])) || view.nowMs;
  return from + view.progressDeadlineSeconds * 1000 - view.nowMs;
}

/** A ReplicaSet that cannot create its pods says so on the Deployment, too. */
function withFailure(conditions: unknown, view: RolloutView): Conditions {
  const sets: readonly (KubeObject | undefined)[] = [view.newSet, ...view.oldSets];
  const failures = sets.map((set) => conditionOf(at(set, "status", "conditions"), "ReplicaFailure"));
  const failure = failures.find((item) => item !== undefined);
  if (failure === undefined) return withoutCondition(conditions, "ReplicaFailure");
  const message = text(failure["message"]);
  return withCondition(
    list(conditions),
    { type: "ReplicaFailure", status: "True", reason: text(failure["reason"]), message },
    view.nowMs,
    true,
  );
}
