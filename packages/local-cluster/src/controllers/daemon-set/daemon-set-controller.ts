import { sameJson } from "../../api/json/json-value.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, controllerOfKind, createController, itself } from "../controller.ts";
import { keyOf, splitKey } from "../object-cache.ts";
import { controllerOf } from "../ownership.ts";
import { DAEMON_SETS, NODES, PODS, REVISIONS } from "../resource-ids.ts";
import { reconcileDaemonSet } from "./reconcile.ts";

export function createDaemonSetController(deps: ControllerDeps): Controller {
  const sets = deps.cache(DAEMON_SETS);
  const pods = deps.cache(PODS);
  const nodes = deps.cache(NODES);
  const revisions = deps.cache(REVISIONS);
  const ofPod = controllerOfKind("DaemonSet");
  return createController(deps, {
    name: "daemonset-controller",
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
      {
        // Heartbeats in a node's status change nothing here.
        cache: nodes,
        keys: ({ type, object, previous }) =>
          type === "MODIFIED" &&
          sameJson(object["spec"], previous?.["spec"]) &&
          sameJson(object.metadata.labels, previous?.metadata.labels)
            ? []
            : sets.list().map(keyOf),
      },
    ],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const set = sets.get(namespace, name);
      if (set === undefined) return NOTHING_TO_DO;
      const uid = set.metadata.uid ?? "";
      const orphans = pods.list(namespace).filter((pod) => controllerOf(pod) === undefined);
      return reconcileDaemonSet({
        set,
        nodes: nodes.list(),
        pods: [...pods.ownedBy(uid), ...orphans],
        revisions: revisions.ownedBy(uid),
        nowMs: deps.clock.now(),
      });
    },
  });
}
