import { ApiError } from "../../contract/index.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, createQueueController, itself } from "../controller.ts";
import type { GraphObject, GraphResource, ObjectGraph } from "../garbage/object-graph.ts";
import { splitKey } from "../object-cache.ts";
import { NAMESPACES } from "../resource-ids.ts";
import { reconcileNamespace } from "./reconcile.ts";

/** Empties namespaces that are being deleted. `unwatched` are resources that the graph doesn't follow (events). */
export function createNamespaceController(
  deps: ControllerDeps,
  graph: ObjectGraph,
  unwatched: readonly GraphResource[],
): Controller {
  const namespaces = deps.cache(NAMESPACES);

  async function contentsOf(namespace: string): Promise<readonly GraphObject[]> {
    const resources = [...graph.resources(), ...unwatched].filter((resource) => resource.namespaced);
    const lists = await Promise.all(
      resources.map(async (resource) => {
        try {
          return (await deps.api.list(resource.id, { namespace })).map((object) => ({ resource, object }));
        } catch (error) {
          // Its definition has just gone, and its objects with it.
          if (error instanceof ApiError && error.code === 404) return [];
          throw error;
        }
      }),
    );
    return lists.flat();
  }

  const { controller, add } = createQueueController(deps, {
    name: "namespace-controller",
    async plan(key) {
      const namespace = namespaces.get(undefined, splitKey(key).name);
      if (namespace?.metadata.deletionTimestamp === undefined) return NOTHING_TO_DO;
      return reconcileNamespace({
        namespace,
        contents: await contentsOf(namespace.metadata.name),
        nowMs: deps.clock.now(),
      });
    },
  });
  namespaces.onChange((change) => {
    if (change.object.metadata.deletionTimestamp !== undefined) for (const key of itself(change)) add(key);
  });
  graph.onChange((_resource, { type, object }) => {
    const { namespace } = object.metadata;
    if (namespace === undefined) return;
    const going = namespaces.get(undefined, namespace)?.metadata.deletionTimestamp !== undefined;
    // Also what slipped in while it was going.
    if (going && type !== "MODIFIED") add(`/${namespace}`);
  });
  return controller;
}
