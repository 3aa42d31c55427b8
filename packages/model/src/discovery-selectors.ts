import { type LabelSelector, labelsMatch, type StringMap } from "@heddle/config";
import type { MeshState } from "./state.ts";

/** Which namespaces belong to the mesh: all, or those that one of MeshConfig's `discoverySelectors` picks, and the root namespace. */
export function discoveredNamespaces(state: MeshState): (namespace: string) => boolean {
  const { mesh, rootNamespace } = state.settings;
  const selectors = mesh.discoverySelectors;
  if (selectors.length === 0) return () => true;
  return (namespace) => {
    const labels = {
      ...state.objects.namespaces.get(namespace)?.meta.labels,
      "kubernetes.io/metadata.name": namespace,
    };
    return namespace === rootNamespace || selectors.some((selector) => selects(selector, labels));
  };
}

/** Whether labels are what a Kubernetes label selector asks for. */
export function selects(selector: LabelSelector, labels: StringMap): boolean {
  if (!labelsMatch(selector.matchLabels, labels)) return false;
  return selector.matchExpressions.every((expression) => holds(expression, labels[expression.key]));
}

function holds({ operator, values }: LabelSelector["matchExpressions"][number], value: string | undefined): boolean {
  switch (operator) {
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
  }
}
