import { at, dict, int, list, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";

/** Why a pod cannot run on a node, in kube-scheduler's words; undefined when it can. */
export type Refusal = string | undefined;

export function nodeRefusal(pod: KubeObject, node: KubeObject): Refusal {
  return unschedulable(pod, node) ?? affinity(pod, node) ?? taints(pod, node);
}

function unschedulable(pod: KubeObject, node: KubeObject): Refusal {
  if (at(node, "spec", "unschedulable") !== true) return undefined;
  return tolerated(pod, { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" })
    ? undefined
    : "node(s) were unschedulable";
}

function affinity(pod: KubeObject, node: KubeObject): Refusal {
  const refused = "node(s) didn't match Pod's node affinity/selector";
  const labels = node.metadata.labels ?? {};
  const selector = Object.entries(dict(at(pod, "spec", "nodeSelector")));
  if (!selector.every(([key, value]) => labels[key] === value)) return refused;
  const required = at(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution");
  if (required === undefined) return undefined;
  // Terms are alternatives; within one all must hold.
  return list(dict(required)["nodeSelectorTerms"]).some((term) => termHolds(term, node)) ? undefined : refused;
}

function termHolds(term: unknown, node: KubeObject): boolean {
  const { matchExpressions, matchFields } = dict(term);
  if (list(matchExpressions).length + list(matchFields).length === 0) return false;
  const fields = { "metadata.name": node.metadata.name };
  return (
    list(matchExpressions).every((item) => requirementHolds(item, node.metadata.labels ?? {})) &&
    list(matchFields).every((item) => requirementHolds(item, fields))
  );
}

function requirementHolds(requirement: unknown, values: Readonly<Record<string, string>>): boolean {
  const { key, operator, values: wanted } = dict(requirement);
  const value = values[text(key)];
  const listed = list(wanted);
  switch (operator) {
    case "In":
      return value !== undefined && listed.includes(value);
    case "NotIn":
      return value === undefined || !listed.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(listed[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(listed[0]);
    default:
      return false;
  }
}

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

function taints(pod: KubeObject, node: KubeObject): Refusal {
  for (const item of list(at(node, "spec", "taints"))) {
    const { key, value, effect } = dict(item);
    if (effect !== "NoSchedule" && effect !== "NoExecute") continue;
    const taint = { key: text(key), value: text(value), effect };
    if (!tolerated(pod, taint)) return `node(s) had untolerated taint {${taint.key}: ${taint.value}}`;
  }
  return undefined;
}

export function tolerated(pod: KubeObject, taint: Taint): boolean {
  return list(at(pod, "spec", "tolerations")).some((item) => {
    const { key, operator, value, effect } = dict(item);
    if (text(effect) !== "" && effect !== taint.effect) return false;
    if (text(key) === "") return operator === "Exists";
    if (key !== taint.key) return false;
    return operator === "Exists" || text(value) === (taint.value ?? "");
  });
}

/** Preferred node affinity: the sum of the weights that match. */
export function preference(pod: KubeObject, node: KubeObject): number {
  const preferred = list(
    at(pod, "spec", "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"),
  );
  return preferred.reduce<number>(
    (sum, item) => sum + (termHolds(dict(item)["preference"], node) ? int(dict(item)["weight"]) : 0),
    0,
  );
}
