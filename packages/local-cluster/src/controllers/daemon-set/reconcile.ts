import { at, int, sameJson, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Action, Plan } from "../action.ts";
import { claim } from "../ownership.ts";
import { availability, createdMs, isTerminating, podPhase } from "../pod-state.ts";
import { DAEMON_SETS, PODS } from "../resource-ids.ts";
import { REVISION_LABEL, revisionHistory } from "../revision-history.ts";
import { daemonPod, eligibility, nodeOfDaemonPod } from "./daemon-pod.ts";

export interface DaemonSetObserved {
  readonly set: KubeObject;
  readonly nodes: readonly KubeObject[];
  /** Pods that it controls, and those of its namespace that nobody does. */
  readonly pods: readonly KubeObject[];
  readonly revisions: readonly KubeObject[];
  readonly nowMs: number;
}

/** One pod on each node that takes it. Source: Kubernetes' DaemonSet controller. */
export function reconcileDaemonSet(observed: DaemonSetObserved): Plan {
  const { set, nodes, nowMs } = observed;
  const { owned, actions: claims } = claim(set, observed.pods, PODS);
  if (claims.length > 0) return { actions: claims };
  const live = new Set(owned.map((pod) => pod.metadata.labels?.[REVISION_LABEL] ?? ""));
  const history = revisionHistory(set, observed.revisions, live, false);
  if (history.actions.length > 0) return { actions: history.actions, againInMs: 1 };
  const minReadySeconds = int(at(set, "spec", "minReadySeconds"));
  const readiness = new Map(owned.map((pod) => [pod, availability(pod, minReadySeconds, nowMs)]));
  const onNode = Map.groupBy(owned, nodeOfDaemonPod);
  const actions: Action[] = [];
  const updatable: KubeObject[] = [];
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of nodes) {
    const { shouldRun, mayStay } = eligibility(set, node);
    const [kept, ...surplus] = (onNode.get(node.metadata.name) ?? [])
      .filter((pod) => !isTerminating(pod))
      .toSorted((a, b) => createdMs(a) - createdMs(b));
    const going = (onNode.get(node.metadata.name) ?? []).some(isTerminating);
    if (shouldRun) counts.desired++;
    else if (kept !== undefined) counts.misscheduled++;
    if (kept !== undefined && !shouldRun && !mayStay) actions.push(remove(set, kept));
    for (const pod of surplus) actions.push(remove(set, pod));
    if (!shouldRun) continue;
    if (kept === undefined) {
      if (!going) actions.push(create(set, history.hash, history.updateNumber, node));
      continue;
    }
    if (podPhase(kept) === "Failed" || podPhase(kept) === "Succeeded") actions.push(remove(set, kept));
    counts.current++;
    if (availability(kept, 0, nowMs).available) counts.ready++;
    if (readiness.get(kept)?.available === true) counts.available++;
    if (kept.metadata.labels?.[REVISION_LABEL] === history.hash) counts.updated++;
    else updatable.push(kept);
  }
  if (set.metadata.deletionTimestamp !== undefined) actions.length = 0;
  else if (
    actions.length === 0 &&
    text(at(set, "spec", "updateStrategy", "type"), "RollingUpdate") === "RollingUpdate"
  ) {
    actions.push(
      ...replaceOld(set, updatable, counts.desired, counts.available, (pod) => readiness.get(pod)?.available === true),
    );
  }
  const status = {
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    desiredNumberScheduled: counts.desired,
    numberReady: counts.ready,
    observedGeneration: set.metadata.generation ?? 0,
    ...(counts.updated > 0 && { updatedNumberScheduled: counts.updated }),
    ...(counts.available > 0 && { numberAvailable: counts.available }),
    ...(counts.desired > counts.available && { numberUnavailable: counts.desired - counts.available }),
  };
  if (!sameJson(status, set["status"])) actions.push({ kind: "status", resource: DAEMON_SETS, object: set, status });
  const waits = [...readiness.values()].flatMap(({ inMs }) => inMs ?? []);
  return { actions, ...(waits.length > 0 && { againInMs: Math.min(...waits) + 1 }) };
}

/** Old pods that may go now: those that serve nobody anyway, then as many as `maxUnavailable` allows. */
function replaceOld(
  set: KubeObject,
  old: readonly KubeObject[],
  desired: number,
  available: number,
  isAvailable: (pod: KubeObject) => boolean,
): readonly Action[] {
  const broken = old.filter((pod) => !isAvailable(pod));
  const room = Math.max(0, maxUnavailable(set, desired) - (desired - available));
  const working = old.filter(isAvailable).slice(0, room);
  return [...broken, ...working].map((pod) => remove(set, pod));
}

function maxUnavailable(set: KubeObject, desired: number): number {
  const value = at(set, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable") ?? 1;
  if (typeof value === "number") return Math.max(1, value);
  const percent = Number.parseInt(text(value), 10);
  return Math.max(1, Math.ceil((desired * (Number.isNaN(percent) ? 0 : percent)) / 100));
}

function create(set: KubeObject, hash: string, generation: number, node: KubeObject): Action {
  const success = { reason: "SuccessfulCreate", message: "Created pod: NAME" };
  const failure = { reason: "FailedCreate", message: "Error creating" };
  return {
    kind: "create",
    resource: PODS,
    object: daemonPod(set, hash, generation, node),
    tell: { about: set, success, failure },
  };
}

function remove(set: KubeObject, pod: KubeObject): Action {
  const success = { reason: "SuccessfulDelete", message: `Deleted pod: ${pod.metadata.name}` };
  return {
    kind: "delete",
    resource: PODS,
    object: pod,
    tell: { about: set, success, failure: { reason: "FailedDelete", message: "Error deleting" } },
  };
}
