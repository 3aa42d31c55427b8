import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, controllerOfKind, createController, itself } from "../controller.ts";
import { splitKey } from "../object-cache.ts";
import { CRON_JOBS, JOBS } from "../resource-ids.ts";
import { reconcileCronJob } from "./reconcile.ts";

export function createCronJobController(deps: ControllerDeps): Controller {
  const cronJobs = deps.cache(CRON_JOBS);
  const jobs = deps.cache(JOBS);
  return createController(deps, {
    name: "cronjob-controller",
    triggers: [
      { cache: cronJobs, keys: itself },
      { cache: jobs, keys: controllerOfKind("CronJob") },
    ],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const cronJob = cronJobs.get(namespace, name);
      if (cronJob === undefined) return NOTHING_TO_DO;
      return reconcileCronJob({ cronJob, jobs: jobs.ownedBy(cronJob.metadata.uid ?? ""), nowMs: deps.clock.now() });
    },
  });
}
