import { type Inventory, type PodInfo, type ResourceKind, resourcesOf } from "@heddle/viz";
import { UsageError } from "../context.ts";

export interface Target {
  readonly kind: ResourceKind;
  readonly name?: string;
  /** Undefined: all namespaces. */
  readonly namespace?: string;
}

/** Running pods of a resource, or of all of a kind. Errors: UsageError when there is none. */
export function podsOf(inventory: Inventory, target: Target): readonly PodInfo[] {
  const services = inventory.services();
  const { kind, name, namespace } = target;
  const found = inventory
    .pods()
    .filter((pod) => pod.running && (namespace === undefined || kind === "namespace" || pod.namespace === namespace))
    .filter((pod) => {
      const names = resourcesOf(pod, kind, services);
      return name === undefined ? names.length > 0 : names.includes(name);
    });
  if (found.length > 0) return found;
  const what = name === undefined ? `${kind}s` : `${kind}/${name}`;
  const where = namespace === undefined || kind === "namespace" ? "in the cluster" : `in namespace ${namespace}`;
  throw new UsageError(
    `${what}: no running pods ${where}; see kubectl get pods${namespace ? ` -n ${namespace}` : " -A"}`,
  );
}
