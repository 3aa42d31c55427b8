import { at, dict, list, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Action, Plan } from "../action.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { isFinished, isTerminating, nodeNameOf } from "../pod-state.ts";
import { BINDINGS, PODS } from "../resource-ids.ts";
import { conditionOf, withCondition } from "../status-conditions.ts";
import { nodeRefusal, preference } from "./node-match.ts";
import { roomRefusals } from "./node-room.ts";
import { podAffinityRefusal } from "./pod-spread.ts";

export const SCHEDULER_NAME = "default-scheduler";

export interface SchedulingObserved {
  readonly pod: KubeObject;
  readonly nodes: readonly KubeObject[];
  /** Pods that have a node. */
  readonly placed: readonly KubeObject[];
  /** Its PersistentVolumeClaims that are missing or not bound, as kube-scheduler would word it. */
  readonly claimProblem: string | undefined;
  readonly nowMs: number;
}

export function needsNode(pod: KubeObject): boolean {
  return (
    nodeNameOf(pod) === "" &&
    !isTerminating(pod) &&
    !isFinished(pod) &&
    text(at(pod, "spec", "schedulerName"), SCHEDULER_NAME) === SCHEDULER_NAME
  );
}

/** Binds a pod to the best node that takes it, or says why none does. Source: kube-scheduler's filters, in its order and words. */
export function schedulePod(observed: SchedulingObserved): Plan {
  const { pod, nodes, placed } = observed;
  if (!needsNode(pod)) return NOTHING_TO_DO;
  if (list(at(pod, "spec", "schedulingGates")).length > 0) {
    return {
      actions: unscheduled(observed, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates"),
    };
  }
  if (nodes.length === 0) return refuse(observed, "no nodes available to schedule pods");
  if (observed.claimProblem !== undefined)
    return refuse(observed, `0/${nodes.length} nodes are available: ${observed.claimProblem}. ${preemption(nodes)}`);
  const reasons = new Map<string, number>();
  const fitting: KubeObject[] = [];
  for (const node of nodes) {
    const here = placed.filter((other) => nodeNameOf(other) === node.metadata.name);
    const first = nodeRefusal(pod, node);
    const refusals = first === undefined ? roomRefusals(pod, node, here) : [first];
    const spread = refusals.length > 0 ? undefined : podAffinityRefusal(pod, node, nodes, placed);
    const all = spread === undefined ? refusals : [spread];
    for (const reason of all) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    if (all.length === 0) fitting.push(node);
  }
  const [best] = fitting.toSorted(
    (a, b) => preference(pod, b) - preference(pod, a) || load(a, placed) - load(b, placed),
  );
  if (best !== undefined) return { actions: [bind(pod, best)] };
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return refuse(observed, `0/${nodes.length} nodes are available: ${parts.join(", ")}. ${preemption(nodes)}`);
}

function load(node: KubeObject, placed: readonly KubeObject[]): number {
  return placed.filter((pod) => nodeNameOf(pod) === node.metadata.name).length;
}

function preemption(nodes: readonly KubeObject[]): string {
  return `no new claims to deallocate, preemption: 0/${nodes.length} nodes are available: ${nodes.length} Preemption is not helpful for scheduling.`;
}

function bind(pod: KubeObject, node: KubeObject): Action {
  const { name, namespace = "", uid } = pod.metadata;
  const message = `Successfully assigned ${namespace}/${name} to ${node.metadata.name}`;
  return {
    kind: "create",
    resource: BINDINGS,
    object: {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, ...(uid !== undefined && { uid }) },
      target: { apiVersion: "v1", kind: "Node", name: node.metadata.name },
    },
    tell: {
      about: pod,
      success: { reason: "Scheduled", message },
      failure: { reason: "FailedScheduling", message: "binding rejected" },
    },
  };
}

function refuse(observed: SchedulingObserved, message: string): Plan {
  return { actions: unscheduled(observed, "Unschedulable", message) };
}

function unscheduled(observed: SchedulingObserved, reason: string, message: string): readonly Action[] {
  const { pod, nowMs } = observed;
  const conditions = at(pod, "status", "conditions");
  const present = conditionOf(conditions, "PodScheduled");
  if (present?.["reason"] === reason && present["message"] === message) return [];
  const next = withCondition(
    list(conditions).filter((item) => dict(item)["type"] !== "PodScheduled"),
    { type: "PodScheduled", status: "False", reason, message },
    nowMs,
    false,
  ).map((item) =>
    item["type"] === "PodScheduled"
      ? { ...item, lastProbeTime: null, observedGeneration: pod.metadata.generation ?? 1 }
      : item,
  );
  const status: Action = {
    kind: "patch",
    resource: PODS,
    object: pod,
    patch: { status: { conditions: next } },
    subresource: "status",
  };
  return reason === "Unschedulable"
    ? [{ kind: "event", about: pod, type: "Warning", reason: "FailedScheduling", message }, status]
    : [status];
}
