import { at, int, sameJson, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Action, Plan } from "../action.ts";
import { claim } from "../ownership.ts";
import { availability, isFinished, isTerminating } from "../pod-state.ts";
import { PODS, STATEFUL_SETS, VOLUME_CLAIMS } from "../resource-ids.ts";
import { REVISION_LABEL, type RevisionHistory, revisionHistory, templateOf } from "../revision-history.ts";
import { ordinalOf, statefulClaims, statefulPod } from "./stateful-pod.ts";

export interface StatefulSetObserved {
  readonly set: KubeObject;
  /** Pods that it controls, and those of its namespace that nobody does. */
  readonly pods: readonly KubeObject[];
  readonly revisions: readonly KubeObject[];
  readonly nowMs: number;
}

interface View {
  readonly set: KubeObject;
  readonly owned: readonly KubeObject[];
  readonly byOrdinal: ReadonlyMap<number, KubeObject>;
  readonly replicas: number;
  readonly start: number;
  readonly parallel: boolean;
  readonly partition: number;
  readonly onDelete: boolean;
  readonly currentRevision: string;
  readonly history: RevisionHistory;
  readonly available: (pod: KubeObject) => boolean;
  templateFor(revision: string): unknown;
}

/** Pods one after the other, each with its own name. Source: Kubernetes' StatefulSet control. */
export function reconcileStatefulSet(observed: StatefulSetObserved): Plan {
  const { set, nowMs } = observed;
  const { owned, actions: claims } = claim(set, observed.pods, PODS);
  if (claims.length > 0) return { actions: claims };
  const live = new Set(owned.map((pod) => pod.metadata.labels?.[REVISION_LABEL] ?? ""));
  const current = text(at(set, "status", "currentRevision"));
  const history = revisionHistory(set, observed.revisions, new Set([...live, current]), true);
  if (history.actions.length > 0) return { actions: history.actions, againInMs: 1 };
  const minReadySeconds = int(at(set, "spec", "minReadySeconds"));
  const readiness = new Map(owned.map((pod) => [pod, availability(pod, minReadySeconds, nowMs)]));
  const view: View = {
    set,
    owned,
    byOrdinal: new Map(owned.flatMap((pod) => ordinals(set, pod))),
    replicas: int(at(set, "spec", "replicas"), 1),
    start: int(at(set, "spec", "ordinals", "start")),
    parallel: at(set, "spec", "podManagementPolicy") === "Parallel",
    partition: int(at(set, "spec", "updateStrategy", "rollingUpdate", "partition")),
    onDelete: at(set, "spec", "updateStrategy", "type") === "OnDelete",
    currentRevision: current === "" ? history.updateRevision : current,
    history,
    available: (pod) => readiness.get(pod)?.available === true,
    templateFor: (revision) => {
      const kept = observed.revisions.find(({ metadata }) => metadata.name === revision);
      return kept === undefined || revision === history.updateRevision ? at(set, "spec", "template") : templateOf(kept);
    },
  };
  const actions = set.metadata.deletionTimestamp === undefined ? [...step(view)] : [];
  const status = statusOf(view, nowMs);
  if (!sameJson(status, set["status"])) actions.push({ kind: "status", resource: STATEFUL_SETS, object: set, status });
  const waits = [...readiness.values()].flatMap(({ inMs }) => inMs ?? []);
  return { actions, ...(waits.length > 0 && { againInMs: Math.min(...waits) + 1 }) };
}

function ordinals(set: KubeObject, pod: KubeObject): readonly (readonly [number, KubeObject])[] {
  const ordinal = ordinalOf(set, pod);
  return ordinal === undefined ? [] : [[ordinal, pod]];
}

function step(view: View): readonly Action[] {
  const end = view.start + view.replicas;
  const actions: Action[] = [];
  for (let ordinal = view.start; ordinal < end; ordinal++) {
    const pod = view.byOrdinal.get(ordinal);
    if (pod === undefined) actions.push(...create(view, ordinal));
    else if (isFinished(pod) && !isTerminating(pod)) actions.push(remove(view, pod));
    else if (!isTerminating(pod) && view.available(pod)) continue;
    // The next one starts when this one is ready.
    if (!view.parallel) return actions;
  }
  const surplus = [...view.byOrdinal]
    .filter(([ordinal]) => ordinal < view.start || ordinal >= end)
    .toSorted(([a], [b]) => b - a);
  for (const [, pod] of surplus) {
    if (!isTerminating(pod)) actions.push(remove(view, pod));
    if (!view.parallel) return actions;
  }
  return actions.length > 0 || view.onDelete ? actions : update(view, end);
}

/** From the highest ordinal down to the partition, one at a time. */
function update(view: View, end: number): readonly Action[] {
  for (let ordinal = end - 1; ordinal >= Math.max(view.start, view.partition); ordinal--) {
    const pod = view.byOrdinal.get(ordinal);
    if (pod === undefined) return [];
    if (pod.metadata.labels?.[REVISION_LABEL] !== view.history.updateRevision && !isTerminating(pod))
      return [remove(view, pod)];
    if (isTerminating(pod) || !view.available(pod)) return [];
  }
  return [];
}

function create(view: View, ordinal: number): readonly Action[] {
  const { set } = view;
  const old = !view.onDelete && ordinal < view.partition;
  const revision = old ? view.currentRevision : view.history.updateRevision;
  const object = statefulPod(set, view.templateFor(revision), revision, ordinal);
  const text = `Pod ${object.metadata.name} in StatefulSet ${set.metadata.name}`;
  const claims = statefulClaims(set, ordinal).map(
    (claimed): Action => ({ kind: "create", resource: VOLUME_CLAIMS, object: claimed, mayExist: true }),
  );
  return [
    ...claims,
    {
      kind: "create",
      resource: PODS,
      object,
      tell: {
        about: set,
        success: { reason: "SuccessfulCreate", message: `create ${text} successful` },
        failure: { reason: "FailedCreate", message: `create ${text} failed error` },
      },
    },
  ];
}

function remove(view: View, pod: KubeObject): Action {
  const text = `Pod ${pod.metadata.name} in StatefulSet ${view.set.metadata.name}`;
  return {
    kind: "delete",
    resource: PODS,
    object: pod,
    tell: {
      about: view.set,
      success: { reason: "SuccessfulDelete", message: `delete ${text} successful` },
      failure: { reason: "FailedDelete", message: `delete ${text} failed error` },
    },
  };
}

function statusOf(view: View, nowMs: number): Readonly<Record<string, unknown>> {
  const { set, owned, history } = view;
  const counted = owned.filter((pod) => !isTerminating(pod) && !isFinished(pod));
  const of = (revision: string) => counted.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === revision).length;
  const ready = owned.filter((pod) => availability(pod, 0, nowMs).available).length;
  const updated = of(history.updateRevision);
  // The rollout is done: what was new is current now.
  const done =
    !view.onDelete &&
    view.partition === 0 &&
    updated === view.replicas &&
    owned.length === view.replicas &&
    ready === view.replicas;
  const currentRevision = done ? history.updateRevision : view.currentRevision;
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: owned.length,
    ...(ready > 0 && { readyReplicas: ready }),
    availableReplicas: owned.filter((pod) => view.available(pod)).length,
    ...(of(currentRevision) > 0 && { currentReplicas: of(currentRevision) }),
    ...(updated > 0 && { updatedReplicas: updated }),
    currentRevision,
    updateRevision: history.updateRevision,
    collisionCount: int(at(set, "status", "collisionCount")),
  };
}
