import { at } from "../api/json/json-value.ts";
import { labelSelectorMatcher } from "../api/store/label-selector.ts";
import type { KubeObject, OwnerReference, ResourceId } from "../contract/index.ts";
import type { Action } from "./action.ts";

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** The reference that makes `owner` the controller of an object. */
export function controllerReference(owner: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", controller: true, blockOwnerDeletion: true };
}

export interface Claim {
  /** Objects that the owner controls. */
  readonly owned: readonly KubeObject[];
  /** Adoptions and releases that make it so; when there are any, look again after them. */
  readonly actions: readonly Action[];
}

/**
 * Which of the candidates belong to an owner: those it controls and selects. Orphans that it selects are adopted, what it no longer selects is
 * released. Source: Kubernetes' controller reference manager.
 */
export function claim(owner: KubeObject, candidates: readonly KubeObject[], resource: ResourceId): Claim {
  const matches = labelSelectorMatcher(at(owner, "spec", "selector"));
  const owned: KubeObject[] = [];
  const actions: Action[] = [];
  const ownerDeleted = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const { ownerReferences = [], labels, deletionTimestamp } = object.metadata;
    const controller = controllerOf(object);
    if (controller !== undefined && controller.uid !== owner.metadata.uid) continue;
    const selected = matches(labels);
    if (controller !== undefined) {
      if (selected || ownerDeleted) owned.push(object);
      else
        actions.push(
          own(
            object,
            resource,
            ownerReferences.filter((reference) => reference.uid !== owner.metadata.uid),
          ),
        );
    } else if (selected && deletionTimestamp === undefined && !ownerDeleted) {
      actions.push(own(object, resource, [...ownerReferences, controllerReference(owner)]));
    }
  }
  return { owned, actions };
}

function own(object: KubeObject, resource: ResourceId, ownerReferences: readonly OwnerReference[]): Action {
  return { kind: "patch", resource, object, patch: { metadata: { ownerReferences } }, ifUnchanged: true };
}
