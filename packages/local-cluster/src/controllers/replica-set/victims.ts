import type { KubeObject } from "../../contract/index.ts";
import { createdMs, isReady, nodeNameOf, podPhase, readySinceMs, restartsOf } from "../pod-state.ts";

const COST = "controller.kubernetes.io/pod-deletion-cost";
const PHASES: readonly string[] = ["Pending", "Unknown", "Running"];

/** Each comparison prefers to delete the pod with the smaller number. Source: Kubernetes' `ActivePodsWithRanks`. */
const RANKS: readonly ((pod: KubeObject) => number)[] = [
  (pod) => (nodeNameOf(pod) === "" ? 0 : 1),
  (pod) => PHASES.indexOf(podPhase(pod)),
  (pod) => (isReady(pod) ? 1 : 0),
  (pod) => Number(pod.metadata.annotations?.[COST] ?? 0) || 0,
  // The younger ones go first.
  (pod) => -(readySinceMs(pod) ?? 0),
  (pod) => -restartsOf(pod),
  (pod) => -createdMs(pod),
];

/** The `count` pods that hurt least when they go; always the same ones for the same input. */
export function victims(pods: readonly KubeObject[], count: number): readonly KubeObject[] {
  if (count <= 0) return [];
  if (count >= pods.length) return pods;
  return pods.toSorted(compare).slice(0, count);
}

function compare(a: KubeObject, b: KubeObject): number {
  for (const rank of RANKS) {
    const difference = rank(a) - rank(b);
    if (difference !== 0) return difference;
  }
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
