import type { KubeObject, OwnerReference } from "../../contract/index.ts";
import { type Action, NOTHING_TO_DO, type Plan } from "../action.ts";
import type { GraphObject, GraphResource } from "./object-graph.ts";

export const ORPHAN = "orphan";
export const FOREGROUND = "foregroundDeletion";

export interface GarbageObserved {
  readonly resource: GraphResource;
  readonly object: KubeObject;
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: "present" | "absent" | "waiting" }[];
  readonly dependents: readonly GraphObject[];
  /** Those of `dependents` that have dependents themselves. */
  readonly withDependents: ReadonlySet<KubeObject>;
}

/** What deletion of an owner means for an object, and the other way round. Source: Kubernetes' garbage collector. */
export function reconcileGarbage(observed: GarbageObserved): Plan {
  const { object } = observed;
  const finalizers = object.metadata.finalizers ?? [];
  if (object.metadata.deletionTimestamp !== undefined) {
    if (finalizers.includes(ORPHAN)) return orphan(observed);
    return finalizers.includes(FOREGROUND) ? foreground(observed) : NOTHING_TO_DO;
  }
  const { owners } = observed;
  if (owners.length === 0) return NOTHING_TO_DO;
  const solid = owners.filter(({ state }) => state === "present").map(({ reference }) => reference);
  if (solid.length === owners.length) return NOTHING_TO_DO;
  if (solid.length > 0) return { actions: [setOwners(observed, solid)] };
  const waiting = owners.some(({ state }) => state === "waiting");
  const propagationPolicy = waiting && observed.dependents.length > 0 ? "Foreground" : "Background";
  return { actions: [{ kind: "delete", resource: observed.resource.id, object, options: { propagationPolicy } }] };
}

/** Dependents lose the reference, then the owner goes. */
function orphan(observed: GarbageObserved): Plan {
  const { object, dependents } = observed;
  const actions = dependents.map((dependent): Action => {
    const left = (dependent.object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== object.metadata.uid);
    return setOwners(dependent, left);
  });
  return { actions: [...actions, dropFinalizer(observed, ORPHAN)] };
}

/** The owner waits for the dependents that block it. */
function foreground(observed: GarbageObserved): Plan {
  const { object, dependents, withDependents } = observed;
  const blocking = dependents.filter((dependent) =>
    dependent.object.metadata.ownerReferences?.some(
      ({ uid, blockOwnerDeletion }) => uid === object.metadata.uid && blockOwnerDeletion === true,
    ),
  );
  if (blocking.length === 0) return { actions: [dropFinalizer(observed, FOREGROUND)] };
  const actions = blocking
    .filter(
      (dependent) => dependent.object.metadata.deletionTimestamp === undefined && onlyOwner(dependent.object, object),
    )
    .map((dependent): Action => {
      const propagationPolicy = withDependents.has(dependent.object) ? "Foreground" : "Background";
      return {
        kind: "delete",
        resource: dependent.resource.id,
        object: dependent.object,
        options: { propagationPolicy },
      };
    });
  return { actions };
}

function onlyOwner(dependent: KubeObject, owner: KubeObject): boolean {
  return dependent.metadata.ownerReferences?.every(({ uid }) => uid === owner.metadata.uid) === true;
}

function setOwners({ resource, object }: GraphObject, ownerReferences: readonly OwnerReference[]): Action {
  return { kind: "patch", resource: resource.id, object, patch: { metadata: { ownerReferences } }, ifUnchanged: true };
}

function dropFinalizer({ resource, object }: GarbageObserved, finalizer: string): Action {
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  return { kind: "patch", resource: resource.id, object, patch: { metadata: { finalizers } }, ifUnchanged: true };
}
