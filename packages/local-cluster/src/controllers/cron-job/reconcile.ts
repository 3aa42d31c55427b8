import { at, cloneDict, dict, int, list, sameJson, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { type Action, NOTHING_TO_DO, type Plan } from "../action.ts";
import { endOf } from "../job/job-view.ts";
import { controllerReference } from "../ownership.ts";
import { createdMs, timestamp } from "../pod-state.ts";
import { stringMap } from "../pod-template.ts";
import { CRON_JOBS, JOBS } from "../resource-ids.ts";
import { dueTimes } from "./schedule.ts";

export interface CronJobObserved {
  readonly cronJob: KubeObject;
  /** Jobs that it controls. */
  readonly jobs: readonly KubeObject[];
  readonly nowMs: number;
}

/** Starts a Job each time the schedule is due. Source: Kubernetes' CronJob controller v2. */
export function reconcileCronJob(observed: CronJobObserved): Plan {
  const { cronJob, jobs, nowMs } = observed;
  if (cronJob.metadata.deletionTimestamp !== undefined) return NOTHING_TO_DO;
  const running = jobs.filter((job) => endOf(job) === undefined);
  const actions: Action[] = [...sawCompleted(observed), ...history(observed)];
  const spec = dict(at(cronJob, "spec"));
  const lastScheduleMs = Date.parse(text(at(cronJob, "status", "lastScheduleTime")));
  const graceMs =
    typeof spec["startingDeadlineSeconds"] === "number" ? spec["startingDeadlineSeconds"] * 1000 : undefined;
  const since = Math.max(
    Number.isNaN(lastScheduleMs) ? createdMs(cronJob) : lastScheduleMs,
    graceMs === undefined ? 0 : nowMs - graceMs,
  );
  const due = dueTimes(text(spec["schedule"]), text(spec["timeZone"]), since, nowMs);
  if (typeof due === "string") {
    const message = `unparseable schedule: ${JSON.stringify(spec["schedule"])} : ${due}`;
    return {
      actions: [
        { kind: "event", about: cronJob, type: "Warning", reason: "UnparseableSchedule", message },
        ...actions,
        ...status(observed, running, undefined),
      ],
    };
  }
  let started: { readonly ms: number; readonly job: KubeObject } | undefined;
  if (due.lastMs !== undefined && spec["suspend"] !== true) {
    const policy = text(spec["concurrencyPolicy"], "Allow");
    const job = jobFor(cronJob, due.lastMs);
    if (jobs.some(({ metadata }) => metadata.name === job.metadata.name)) started = undefined;
    else if (policy === "Forbid" && running.length > 0) {
      actions.push({
        kind: "event",
        about: cronJob,
        type: "Normal",
        reason: "JobAlreadyActive",
        message: "Not starting job because prior execution is running and concurrency policy is Forbid",
      });
    } else {
      if (policy === "Replace")
        for (const old of running)
          actions.push({ kind: "delete", resource: JOBS, object: old, options: { propagationPolicy: "Background" } });
      actions.push({
        kind: "create",
        resource: JOBS,
        object: job,
        mayExist: true,
        tell: {
          about: cronJob,
          success: { reason: "SuccessfulCreate", message: "Created job NAME" },
          failure: { reason: "FailedCreate", message: "Error creating job" },
        },
      });
      started = { ms: due.lastMs, job };
    }
  }
  actions.push(...status(observed, running, started?.ms));
  return { actions, ...(due.nextMs !== undefined && { againInMs: Math.max(1, due.nextMs - nowMs + 5) }) };
}

function jobFor(cronJob: KubeObject, scheduledMs: number): KubeObject {
  const template = dict(at(cronJob, "spec", "jobTemplate"));
  const metadata = dict(template["metadata"]);
  const annotations = {
    ...stringMap(metadata["annotations"]),
    "batch.kubernetes.io/cronjob-scheduled-timestamp": timestamp(scheduledMs),
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: `${cronJob.metadata.name}-${Math.floor(scheduledMs / 60_000)}`,
      namespace: cronJob.metadata.namespace ?? "",
      labels: stringMap(metadata["labels"]),
      annotations,
      ownerReferences: [controllerReference(cronJob)],
    },
    spec: cloneDict(dict(template["spec"])),
  };
}

function status(
  { cronJob, jobs }: CronJobObserved,
  running: readonly KubeObject[],
  scheduledMs: number | undefined,
): readonly Action[] {
  const present = dict(at(cronJob, "status"));
  const successes = jobs
    .filter((job) => endOf(job)?.type === "Complete")
    .map((job) => Date.parse(text(at(job, "status", "completionTime"))) || 0);
  const lastSuccess = Math.max(Date.parse(text(present["lastSuccessfulTime"])) || 0, ...successes);
  const active = running.map(({ apiVersion, kind, metadata }) => ({
    apiVersion,
    kind,
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
  }));
  const before = list(present["active"]).map((item) => dict(item)["uid"]);
  // A reference's resourceVersion is that of the time it was listed; its change alone is no news.
  const sameActive = sameJson(before.toSorted(), active.map(({ uid }) => uid).toSorted());
  const next = {
    ...(active.length > 0 && { active: sameActive ? present["active"] : active }),
    ...(scheduledMs !== undefined
      ? { lastScheduleTime: timestamp(scheduledMs) }
      : present["lastScheduleTime"] !== undefined && { lastScheduleTime: present["lastScheduleTime"] }),
    ...(lastSuccess > 0 && { lastSuccessfulTime: timestamp(lastSuccess) }),
  };
  return sameJson(next, present) ? [] : [{ kind: "status", resource: CRON_JOBS, object: cronJob, status: next }];
}

function sawCompleted({ cronJob, jobs }: CronJobObserved): readonly Action[] {
  const active = new Set(list(at(cronJob, "status", "active")).map((item) => dict(item)["uid"]));
  return jobs.flatMap((job): readonly Action[] => {
    const end = endOf(job);
    if (end === undefined || !active.has(job.metadata.uid)) return [];
    return [
      {
        kind: "event",
        about: cronJob,
        type: "Normal",
        reason: "SawCompletedJob",
        message: `Saw completed job: ${job.metadata.name}, condition: ${end.type}`,
      },
    ];
  });
}

/** Ended Jobs over the limits go, the oldest first. */
function history({ cronJob, jobs }: CronJobObserved): readonly Action[] {
  const limits = {
    Complete: int(at(cronJob, "spec", "successfulJobsHistoryLimit"), 3),
    Failed: int(at(cronJob, "spec", "failedJobsHistoryLimit"), 1),
  };
  return (["Complete", "Failed"] as const).flatMap((type) => {
    const ended = jobs.filter((job) => endOf(job)?.type === type).toSorted((a, b) => createdMs(a) - createdMs(b));
    return ended.slice(0, Math.max(0, ended.length - limits[type])).map(
      (object): Action => ({
        kind: "delete",
        resource: JOBS,
        object,
        options: { propagationPolicy: "Background" },
        tell: {
          about: cronJob,
          success: { reason: "SuccessfulDelete", message: `Deleted job ${object.metadata.name}` },
        },
      }),
    );
  });
}
