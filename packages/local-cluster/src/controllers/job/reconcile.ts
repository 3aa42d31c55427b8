import { at, list, sameJson, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Action, Plan } from "../action.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { timestamp } from "../pod-state.ts";
import { JOBS, PODS } from "../resource-ids.ts";
import { conditionOf, withCondition } from "../status-conditions.ts";
import { jobPod } from "./job-pod.ts";
import {
  endOf,
  indexOf,
  indexRanges,
  type JobView,
  jobView,
  readyCount,
  restartsWithin,
  successes,
} from "./job-view.ts";

const FIRST_BACKOFF_MS = 10_000;
const LAST_BACKOFF_MS = 600_000;

export interface JobObserved {
  readonly job: KubeObject;
  /** Pods that it controls. */
  readonly pods: readonly KubeObject[];
  readonly nowMs: number;
}

interface Ending {
  readonly type: "Complete" | "Failed";
  readonly reason: string;
  readonly message: string;
}

/**
 * Runs pods until enough have succeeded. Source: Kubernetes' Job controller, as it was before it tracked pods by finalizers: a pod counts as
 * long as it is there.
 */
export function reconcileJob(observed: JobObserved): Plan {
  const { job, nowMs } = observed;
  if (job.metadata.deletionTimestamp !== undefined) return NOTHING_TO_DO;
  const ended = endOf(job);
  if (ended !== undefined) return afterTheEnd(job, ended.atMs, nowMs);
  const view = jobView(job, observed.pods, nowMs);
  const ending = endingOf(view);
  const actions: Action[] = [];
  let againInMs: number | undefined;
  if (ending !== undefined || view.suspended) actions.push(...view.active.map((pod) => remove(view, pod)));
  else {
    const work = pods(view);
    actions.push(...work.actions);
    againInMs = work.againInMs;
  }
  const deadlineMs = deadlineLeft(view);
  if (ending === undefined && deadlineMs !== undefined)
    againInMs = Math.min(againInMs ?? Number.POSITIVE_INFINITY, Math.max(1, deadlineMs));
  actions.push(...suspension(view));
  const status = statusOf(view, ending);
  if (!sameJson(status, job["status"])) {
    actions.push({ kind: "status", resource: JOBS, object: job, status });
    if (ending !== undefined && conditionOf(status["conditions"], ending.type) !== undefined) {
      const message = ending.type === "Complete" ? "Job completed" : ending.message;
      actions.push({
        kind: "event",
        about: job,
        type: ending.type === "Complete" ? "Normal" : "Warning",
        reason: ending.type === "Complete" ? "Completed" : ending.reason,
        message,
      });
    }
  }
  return { actions, ...(againInMs !== undefined && { againInMs }) };
}

function afterTheEnd(job: KubeObject, endedMs: number, nowMs: number): Plan {
  const ttl = at(job, "spec", "ttlSecondsAfterFinished");
  if (typeof ttl !== "number") return NOTHING_TO_DO;
  const leftMs = endedMs + ttl * 1000 - nowMs;
  if (leftMs > 0) return { actions: [], againInMs: leftMs };
  return { actions: [{ kind: "delete", resource: JOBS, object: job, options: { propagationPolicy: "Foreground" } }] };
}

function endingOf(view: JobView): Ending | undefined {
  const { job, completions } = view;
  const already = conditionOf(at(job, "status", "conditions"), "FailureTarget");
  if (already !== undefined)
    return { type: "Failed", reason: text(already["reason"]), message: text(already["message"]) };
  if (view.failed.length + restartsWithin(view) > view.backoffLimit) {
    return { type: "Failed", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  }
  const leftMs = deadlineLeft(view);
  if (leftMs !== undefined && leftMs <= 0 && !view.suspended) {
    return { type: "Failed", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  }
  const done =
    completions === undefined ? view.succeeded.length > 0 && view.active.length === 0 : successes(view) >= completions;
  return done
    ? { type: "Complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" }
    : undefined;
}

function deadlineLeft(view: JobView): number | undefined {
  const seconds = at(view.job, "spec", "activeDeadlineSeconds");
  return typeof seconds === "number" && view.startMs !== undefined
    ? view.startMs + seconds * 1000 - view.nowMs
    : undefined;
}

function pods(view: JobView): Plan {
  const { completions, active } = view;
  const left =
    completions === undefined
      ? view.succeeded.length > 0
        ? active.length
        : view.parallelism
      : completions - successes(view);
  const wanted = Math.max(0, Math.min(view.parallelism, left));
  if (active.length > wanted) return { actions: active.slice(wanted).map((pod) => remove(view, pod)) };
  // A pod that ends slowly is replaced only when it has ended.
  const missing = wanted - active.length - view.terminating.length;
  if (missing <= 0) return NOTHING_TO_DO;
  const waitMs = backoffLeft(view);
  if (waitMs > 0) return { actions: [], againInMs: waitMs };
  const indexes = view.indexed
    ? freeIndexes(view, completions ?? 0, missing)
    : Array.from({ length: missing }, () => undefined);
  return { actions: indexes.map((index) => create(view, index)) };
}

function freeIndexes(view: JobView, completions: number, count: number): readonly number[] {
  const taken = new Set([
    ...view.doneIndexes,
    ...[...view.active, ...view.terminating].flatMap((pod) => indexOf(pod) ?? []),
  ]);
  return Array.from({ length: completions }, (_, index) => index)
    .filter((index) => !taken.has(index))
    .slice(0, count);
}

/** Pods that fail are replaced after 10 s, 20 s … 10 min. */
function backoffLeft(view: JobView): number {
  const lastSuccess = Math.max(0, ...view.succeeded.map(finishedMs));
  const failures = view.failed.map(finishedMs).filter((finished) => finished > lastSuccess);
  if (failures.length === 0) return 0;
  const wait = Math.min(FIRST_BACKOFF_MS * 2 ** (failures.length - 1), LAST_BACKOFF_MS);
  return Math.max(...failures) + wait - view.nowMs;
}

function finishedMs(pod: KubeObject): number {
  const ends = list(at(pod, "status", "containerStatuses")).map(
    (status) => Date.parse(text(at(status, "state", "terminated", "finishedAt"))) || 0,
  );
  return Math.max(Date.parse(pod.metadata.creationTimestamp ?? "") || 0, ...ends);
}

function suspension(view: JobView): readonly Action[] {
  const present = conditionOf(at(view.job, "status", "conditions"), "Suspended")?.["status"];
  if (view.suspended && present !== "True")
    return [{ kind: "event", about: view.job, type: "Normal", reason: "Suspended", message: "Job suspended" }];
  if (!view.suspended && present === "True")
    return [{ kind: "event", about: view.job, type: "Normal", reason: "Resumed", message: "Job resumed" }];
  return [];
}

function statusOf(view: JobView, ending: Ending | undefined): Readonly<Record<string, unknown>> {
  const { job, nowMs } = view;
  const present = at(job, "status");
  // Pods that still end hold the final condition back.
  const final = ending !== undefined && view.active.length === 0 && view.terminating.length === 0;
  let conditions: unknown = at(present, "conditions");
  const suspended = conditionOf(conditions, "Suspended");
  if (view.suspended)
    conditions = withCondition(
      conditions,
      { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" },
      nowMs,
      "lastProbeTime",
    );
  else if (suspended?.["status"] === "True")
    conditions = withCondition(
      conditions,
      { type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" },
      nowMs,
      "lastProbeTime",
    );
  if (ending !== undefined) {
    const { reason, message } = ending;
    conditions = withCondition(
      conditions,
      { type: ending.type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget", status: "True", reason, message },
      nowMs,
      "lastProbeTime",
    );
    if (final)
      conditions = withCondition(
        conditions,
        { type: ending.type, status: "True", reason, message },
        nowMs,
        "lastProbeTime",
      );
  }
  const startTime = view.suspended ? undefined : (at(present, "startTime") ?? timestamp(nowMs));
  return {
    ...(list(conditions).length > 0 && { conditions }),
    ...(startTime !== undefined && { startTime }),
    ...(final && ending?.type === "Complete" && { completionTime: timestamp(nowMs) }),
    ...(view.active.length > 0 && ending === undefined && { active: view.active.length }),
    ...(view.succeeded.length > 0 && { succeeded: successes(view) }),
    ...(view.failed.length > 0 && { failed: view.failed.length }),
    terminating: view.terminating.length,
    ...(view.doneIndexes.length > 0 && view.indexed && { completedIndexes: indexRanges(view.doneIndexes) }),
    uncountedTerminatedPods: {},
    ready: readyCount(view),
  };
}

function create(view: JobView, index: number | undefined): Action {
  const success = { reason: "SuccessfulCreate", message: "Created pod: NAME" };
  return {
    kind: "create",
    resource: PODS,
    object: jobPod(view, index),
    tell: { about: view.job, success, failure: { reason: "FailedCreate", message: "Error creating" } },
  };
}

function remove(view: JobView, pod: KubeObject): Action {
  const success = { reason: "SuccessfulDelete", message: `Deleted pod: ${pod.metadata.name}` };
  return {
    kind: "delete",
    resource: PODS,
    object: pod,
    tell: { about: view.job, success, failure: { reason: "FailedDelete", message: "Error deleting" } },
  };
}
