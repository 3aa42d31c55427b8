import { ApiError, type KubeObject, type OwnerReference } from "../../contract/index.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, createQueueController } from "../controller.ts";
import { type GraphObject, type GraphResource, keyOfObject, type ObjectGraph } from "./object-graph.ts";
import { FOREGROUND, ORPHAN, reconcileGarbage } from "./reconcile.ts";

/** Deletes what lost its last owner; carries out foreground and orphan deletion. */
export function createGarbageCollector(deps: ControllerDeps, graph: ObjectGraph): Controller {
  /** The cache may be behind: only the API's own answer counts as gone. */
  async function stateOf(object: KubeObject, reference: OwnerReference): Promise<"present" | "absent" | "waiting"> {
    const resource = graph.resourceOfKind(reference.apiVersion, reference.kind);
    if (resource === undefined) return "present";
    const namespace = resource.namespaced ? object.metadata.namespace : undefined;
    const owner = graph.get(resource, namespace, reference.name) ?? (await live(resource, namespace, reference.name));
    if (owner?.metadata.uid === reference.uid) return isWaiting(owner) ? "waiting" : "present";
    const now = await live(resource, namespace, reference.name);
    return now?.metadata.uid === reference.uid ? "present" : "absent";
  }

  async function live(
    resource: GraphResource,
    namespace: string | undefined,
    name: string,
  ): Promise<KubeObject | undefined> {
    try {
      return await deps.api.get(resource.id, namespace, name);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  const { controller, add } = createQueueController(deps, {
    name: "garbage-collector",
    async plan(key) {
      const found = graph.find(key);
      if (found === undefined) return NOTHING_TO_DO;
      const { resource, object } = found;
      const references = object.metadata.ownerReferences ?? [];
      const owners = await Promise.all(
        references.map(async (reference) => ({ reference, state: await stateOf(object, reference) })),
      );
      const dependents = object.metadata.uid === undefined ? [] : graph.dependentsOf(object.metadata.uid);
      const withDependents = new Set(
        dependents
          .filter((dependent) => graph.dependentsOf(dependent.object.metadata.uid ?? "").length > 0)
          .map((dependent) => dependent.object),
      );
      return reconcileGarbage({ resource, object, owners, dependents, withDependents });
    },
  });

  graph.onChange((resource, { type, object }) => {
    const changed: GraphObject = { resource, object };
    if (type === "DELETED" || isWaiting(object))
      for (const dependent of graph.dependentsOf(object.metadata.uid ?? "")) add(keyOfObject(dependent));
    if (type !== "DELETED" && (object.metadata.ownerReferences !== undefined || isHeld(object)))
      add(keyOfObject(changed));
    // An owner that waits for its dependents looks whether this was the last.
    for (const reference of object.metadata.ownerReferences ?? []) {
      const owner = graph.resourceOfKind(reference.apiVersion, reference.kind);
      const present = owner === undefined ? undefined : graph.get(owner, object.metadata.namespace, reference.name);
      if (owner !== undefined && present !== undefined && isHeld(present))
        add(keyOfObject({ resource: owner, object: present }));
    }
  });
  return controller;
}

function isWaiting(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined && object.metadata.finalizers?.includes(FOREGROUND) === true;
}

function isHeld(object: KubeObject): boolean {
  return (
    isWaiting(object) ||
    (object.metadata.deletionTimestamp !== undefined && object.metadata.finalizers?.includes(ORPHAN) === true)
  );
}
