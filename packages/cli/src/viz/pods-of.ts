import { chosenPods, type Inventory, type PodInfo, type ResourceKind } from "@heddle/viz";
import { UsageError } from "../context.ts";

export interface Target {
  readonly kind: ResourceKind;
  readonly name?: string;
  /** Undefined: all namespaces. */
  readonly namespace?: string;
}

/** Running pods of a resource, or of all of a kind. Errors: UsageError when there is none. */
export function podsOf(inventory: Inventory, target: Target): readonly PodInfo[] {
  const found = chosenPods(inventory, target);
  if (found.length > 0) return found;
  throw noRunningPods(target);
}

export function noRunningPods({ kind, name, namespace }: Target): UsageError {
  const what = name === undefined ? `${kind}s` : `${kind}/${name}`;
  const where = namespace === undefined || kind === "namespace" ? "in the cluster" : `in namespace ${namespace}`;
  return new UsageError(
    `${what}: no running pods ${where}; see kubectl get pods${namespace ? ` -n ${namespace}` : " -A"}`,
  );
}
