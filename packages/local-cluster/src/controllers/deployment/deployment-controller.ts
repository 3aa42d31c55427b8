import { at, int } from "../../api/json/json-value.ts";
import { ApiError } from "../../contract/index.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, controllerOfKind, createController, itself } from "../controller.ts";
import { keyOf, splitKey } from "../object-cache.ts";
import { controllerOf } from "../ownership.ts";
import { DEPLOYMENTS, PODS, REPLICA_SETS } from "../resource-ids.ts";
import { reconcileDeployment } from "./reconcile.ts";

export function createDeploymentController(deps: ControllerDeps): Controller {
  const deployments = deps.cache(DEPLOYMENTS);
  const sets = deps.cache(REPLICA_SETS);
  const pods = deps.cache(PODS);
  const ofSet = controllerOfKind("Deployment");
  const collided = new Set<string>();
  return createController(deps, {
    name: "deployment-controller",
    triggers: [
      { cache: deployments, keys: itself },
      {
        cache: sets,
        keys: (change) =>
          controllerOf(change.object) === undefined
            ? deployments.list(change.object.metadata.namespace).map(keyOf)
            : ofSet(change),
      },
      {
        // Only the Recreate strategy waits for pods to go.
        cache: pods,
        keys: ({ type, object }) => {
          const owner = type === "DELETED" ? controllerOf(object) : undefined;
          const set = owner?.kind === "ReplicaSet" ? sets.get(object.metadata.namespace, owner.name) : undefined;
          const deployment = set === undefined ? undefined : controllerOf(set);
          return deployment?.kind === "Deployment" ? [`${object.metadata.namespace ?? ""}/${deployment.name}`] : [];
        },
      },
    ],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const deployment = deployments.get(namespace, name);
      if (deployment === undefined) return NOTHING_TO_DO;
      const owned = sets.ownedBy(deployment.metadata.uid ?? "");
      const plan = reconcileDeployment({
        deployment,
        replicaSets: [...owned, ...sets.list(namespace).filter((set) => controllerOf(set) === undefined)],
        pods: owned.flatMap((set) => pods.ownedBy(set.metadata.uid ?? "")),
        nowMs: deps.clock.now(),
      });
      if (!collided.delete(key)) return plan;
      // Another template has the same hash: the next attempt takes another name.
      const collisionCount = int(at(deployment, "status", "collisionCount")) + 1;
      return {
        actions: [
          {
            kind: "patch",
            resource: DEPLOYMENTS,
            object: deployment,
            patch: { status: { collisionCount } },
            subresource: "status",
          },
        ],
        againInMs: 1,
      };
    },
    onFailure: (key, error) => {
      if (error instanceof ApiError && error.reason === "AlreadyExists") collided.add(key);
    },
  });
}
