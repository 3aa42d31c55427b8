import { at, dict, list, text } from "../../api/json/json-value.ts";
import { labelSelectorMatcher } from "../../api/store/label-selector.ts";
import type { KubeObject } from "../../contract/index.ts";
import { nodeNameOf } from "../pod-state.ts";

/** Required pod affinity and anti-affinity (of the pod, and anti-affinity of the pods already there); the reason when it does not hold. */
export function podAffinityRefusal(
  pod: KubeObject,
  node: KubeObject,
  nodes: readonly KubeObject[],
  placed: readonly KubeObject[],
): string | undefined {
  for (const term of required(pod, "podAffinity")) {
    const matching = placed.filter((other) => termSelects(term, pod, other));
    // The first of a group that wants to be together may start anywhere.
    if (matching.length === 0 && termSelects(term, pod, pod)) continue;
    if (!matching.some((other) => sameTopology(term, node, nodeOf(other, nodes))))
      return "node(s) didn't match pod affinity rules";
  }
  for (const term of required(pod, "podAntiAffinity")) {
    if (placed.some((other) => termSelects(term, pod, other) && sameTopology(term, node, nodeOf(other, nodes)))) {
      return "node(s) didn't match pod anti-affinity rules";
    }
  }
  for (const other of placed) {
    for (const term of required(other, "podAntiAffinity")) {
      if (termSelects(term, other, pod) && sameTopology(term, node, nodeOf(other, nodes)))
        return "node(s) didn't satisfy existing pods anti-affinity rules";
    }
  }
  return undefined;
}

function required(pod: KubeObject, kind: "podAffinity" | "podAntiAffinity"): readonly unknown[] {
  return list(at(pod, "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"));
}

function termSelects(term: unknown, owner: KubeObject, other: KubeObject): boolean {
  const { labelSelector, namespaces, namespaceSelector } = dict(term);
  const named = list(namespaces);
  const everywhere = namespaceSelector !== undefined && Object.keys(dict(namespaceSelector)).length === 0;
  const inScope =
    everywhere ||
    (named.length > 0
      ? named.includes(other.metadata.namespace)
      : other.metadata.namespace === owner.metadata.namespace);
  return inScope && labelSelector !== undefined && labelSelectorMatcher(labelSelector)(other.metadata.labels);
}

function sameTopology(term: unknown, node: KubeObject, other: KubeObject | undefined): boolean {
  const key = text(dict(term)["topologyKey"]);
  const value = node.metadata.labels?.[key];
  return value !== undefined && other?.metadata.labels?.[key] === value;
}

function nodeOf(pod: KubeObject, nodes: readonly KubeObject[]): KubeObject | undefined {
  const name = nodeNameOf(pod);
  return nodes.find((node) => node.metadata.name === name);
}
