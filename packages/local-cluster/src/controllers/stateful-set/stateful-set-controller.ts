import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, controllerOfKind, createController, itself } from "../controller.ts";
import { keyOf, splitKey } from "../object-cache.ts";
import { controllerOf } from "../ownership.ts";
import { PODS, REVISIONS, STATEFUL_SETS } from "../resource-ids.ts";
import { reconcileStatefulSet } from "./reconcile.ts";

export function createStatefulSetController(deps: ControllerDeps): Controller {
  const sets = deps.cache(STATEFUL_SETS);
  const pods = deps.cache(PODS);
  const revisions = deps.cache(REVISIONS);
  const ofPod = controllerOfKind("StatefulSet");
  return createController(deps, {
    name: "statefulset-controller",
    triggers: [
      { cache: sets, keys: itself },
      { cache: revisions, keys: ofPod },
      {
        cache: pods,
        keys: (change) =>
          controllerOf(change.object) === undefined
            ? sets.list(change.object.metadata.namespace).map(keyOf)
            : ofPod(change),
      },
    ],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const set = sets.get(namespace, name);
      if (set === undefined) return NOTHING_TO_DO;
      const uid = set.metadata.uid ?? "";
      const orphans = pods.list(namespace).filter((pod) => controllerOf(pod) === undefined);
      return reconcileStatefulSet({
        set,
        pods: [...pods.ownedBy(uid), ...orphans],
        revisions: revisions.ownedBy(uid),
        nowMs: deps.clock.now(),
      });
    },
  });
}
