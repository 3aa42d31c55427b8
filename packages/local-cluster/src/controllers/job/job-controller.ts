import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, controllerOfKind, createController, itself } from "../controller.ts";
import { splitKey } from "../object-cache.ts";
import { controllerOf } from "../ownership.ts";
import { JOBS, PODS } from "../resource-ids.ts";
import { reconcileJob } from "./reconcile.ts";

export function createJobController(deps: ControllerDeps): Controller {
  const jobs = deps.cache(JOBS);
  const pods = deps.cache(PODS);
  return createController(deps, {
    name: "job-controller",
    triggers: [
      { cache: jobs, keys: itself },
      { cache: pods, keys: controllerOfKind("Job") },
    ],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const job = jobs.get(namespace, name);
      if (job === undefined) return NOTHING_TO_DO;
      const { uid = "" } = job.metadata;
      const owned = pods.ownedBy(uid).filter((pod) => controllerOf(pod)?.uid === uid);
      return reconcileJob({ job, pods: owned, nowMs: deps.clock.now() });
    },
  });
}
