import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, controllerOfKind, createController, itself } from "../controller.ts";
import { keyOf, splitKey } from "../object-cache.ts";
import { controllerOf } from "../ownership.ts";
import { PODS, REPLICA_SETS } from "../resource-ids.ts";
import { reconcileReplicaSet } from "./reconcile.ts";

export function createReplicaSetController(deps: ControllerDeps): Controller {
  const sets = deps.cache(REPLICA_SETS);
  const pods = deps.cache(PODS);
  const failures = new Map<string, string>();
  const ofPod = controllerOfKind("ReplicaSet");
  return createController(deps, {
    name: "replicaset-controller",
    triggers: [
      { cache: sets, keys: itself },
      {
        cache: pods,
        keys: (change) => {
          // An orphan may belong to any of its namespace.
          if (controllerOf(change.object) === undefined) return sets.list(change.object.metadata.namespace).map(keyOf);
          return ofPod(change);
        },
      },
    ],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const replicaSet = sets.get(namespace, name);
      if (replicaSet === undefined) {
        failures.delete(key);
        return NOTHING_TO_DO;
      }
      const orphans = pods.list(namespace).filter((pod) => controllerOf(pod) === undefined);
      const owned = pods.ownedBy(replicaSet.metadata.uid ?? "");
      const failure = failures.get(key);
      failures.delete(key);
      return reconcileReplicaSet({ replicaSet, pods: [...owned, ...orphans], failure, nowMs: deps.clock.now() });
    },
    onFailure: (key, error) => failures.set(key, error instanceof Error ? error.message : String(error)),
  });
}
