import { at, dict, int, sameJson } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Action, Plan } from "../action.ts";
import { claim } from "../ownership.ts";
import { availability, isActive } from "../pod-state.ts";
import { podFromTemplate } from "../pod-template.ts";
import { PODS, REPLICA_SETS } from "../resource-ids.ts";
import { withCondition, withoutCondition } from "../status-conditions.ts";
import { victims } from "./victims.ts";

/** Pods that one look creates at most. */
const BURST = 500;

export interface ReplicaSetObserved {
  readonly replicaSet: KubeObject;
  /** Pods that it controls, and those of its namespace that nobody does. */
  readonly pods: readonly KubeObject[];
  /** Why the last plan could not be carried out. */
  readonly failure: string | undefined;
  readonly nowMs: number;
}

/** As many pods as wanted; status says how many there are. Source: Kubernetes' ReplicaSet controller. */
export function reconcileReplicaSet(observed: ReplicaSetObserved): Plan {
  const { replicaSet, nowMs } = observed;
  const { owned, actions: claims } = claim(replicaSet, observed.pods, PODS);
  const active = owned.filter(isActive);
  const wanted = int(at(replicaSet, "spec", "replicas"), 1);
  const actions: Action[] = [...claims];
  // After an adoption the count is another one; its event brings the next look.
  if (claims.length === 0 && replicaSet.metadata.deletionTimestamp === undefined)
    actions.push(...scale(replicaSet, active, wanted));

  const minReadySeconds = int(at(replicaSet, "spec", "minReadySeconds"));
  const readiness = active.map((pod) => availability(pod, minReadySeconds, nowMs));
  const status = statusOf(observed, active, readiness.filter(({ available }) => available).length);
  if (!sameJson(status, at(replicaSet, "status"))) {
    actions.push({ kind: "status", resource: REPLICA_SETS, object: replicaSet, status });
  }
  const waits = readiness.flatMap(({ inMs }) => inMs ?? []);
  return { actions, ...(waits.length > 0 && { againInMs: Math.min(...waits) + 1 }) };
}

function scale(replicaSet: KubeObject, active: readonly KubeObject[], wanted: number): readonly Action[] {
  const missing = wanted - active.length;
  if (missing > 0) {
    const object = podFromTemplate(replicaSet, at(replicaSet, "spec", "template"));
    return Array.from({ length: Math.min(missing, BURST) }, () => ({
      kind: "create",
      resource: PODS,
      object,
      tell: {
        about: replicaSet,
        success: { reason: "SuccessfulCreate", message: "Created pod: NAME" },
        failure: { reason: "FailedCreate", message: "Error creating" },
      },
    }));
  }
  return victims(active, -missing).map((pod) => ({
    kind: "delete",
    resource: PODS,
    object: pod,
    tell: {
      about: replicaSet,
      success: { reason: "SuccessfulDelete", message: `Deleted pod: ${pod.metadata.name}` },
      failure: { reason: "FailedDelete", message: "Error deleting" },
    },
  }));
}

function statusOf(
  observed: ReplicaSetObserved,
  active: readonly KubeObject[],
  available: number,
): Readonly<Record<string, unknown>> {
  const { replicaSet, failure, nowMs } = observed;
  const templateLabels = Object.entries(dict(at(replicaSet, "spec", "template", "metadata", "labels")));
  const labelled = active.filter((pod) => templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const ready = active.filter((pod) => availability(pod, 0, nowMs).available);
  const before = dict(at(replicaSet, "status"));
  const conditions =
    failure === undefined
      ? withoutCondition(before["conditions"], "ReplicaFailure")
      : withCondition(
          before["conditions"],
          { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: failure },
          nowMs,
          false,
        );
  return {
    replicas: active.length,
    ...(labelled.length > 0 && { fullyLabeledReplicas: labelled.length }),
    ...(ready.length > 0 && { readyReplicas: ready.length }),
    ...(available > 0 && { availableReplicas: available }),
    observedGeneration: replicaSet.metadata.generation ?? 0,
    ...(conditions.length > 0 && { conditions }),
  };
}
