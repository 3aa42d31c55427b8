import { at, dict, int, list, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { isFinished, isReady, isTerminating, podPhase } from "../pod-state.ts";
import { conditionOf } from "../status-conditions.ts";

export const INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index";

/** A Job with its numbers worked out. */
export interface JobView {
  readonly job: KubeObject;
  readonly nowMs: number;
  /** Undefined: any one success ends the Job. */
  readonly completions: number | undefined;
  readonly parallelism: number;
  readonly indexed: boolean;
  readonly suspended: boolean;
  readonly backoffLimit: number;
  readonly active: readonly KubeObject[];
  readonly terminating: readonly KubeObject[];
  readonly succeeded: readonly KubeObject[];
  readonly failed: readonly KubeObject[];
  /** Indexes that succeeded, ascending. */
  readonly doneIndexes: readonly number[];
  readonly startMs: number | undefined;
}

export function jobView(job: KubeObject, pods: readonly KubeObject[], nowMs: number): JobView {
  const spec = dict(at(job, "spec"));
  const succeeded = pods.filter((pod) => podPhase(pod) === "Succeeded");
  const startMs = Date.parse(text(at(job, "status", "startTime")));
  return {
    job,
    nowMs,
    completions:
      typeof spec["completions"] === "number" ? spec["completions"] : spec["parallelism"] === undefined ? 1 : undefined,
    parallelism: int(spec["parallelism"], 1),
    indexed: spec["completionMode"] === "Indexed",
    suspended: spec["suspend"] === true,
    backoffLimit: int(spec["backoffLimit"], 6),
    active: pods.filter((pod) => !isFinished(pod) && !isTerminating(pod)),
    terminating: pods.filter((pod) => !isFinished(pod) && isTerminating(pod)),
    succeeded,
    failed: pods.filter((pod) => podPhase(pod) === "Failed"),
    doneIndexes: [...new Set(succeeded.flatMap((pod) => indexOf(pod) ?? []))].toSorted((a, b) => a - b),
    startMs: Number.isNaN(startMs) ? undefined : startMs,
  };
}

/** How much of the wanted work is done. */
export function successes(view: JobView): number {
  return view.indexed ? view.doneIndexes.length : view.succeeded.length;
}

export function indexOf(pod: KubeObject): number | undefined {
  const index = pod.metadata.annotations?.[INDEX_ANNOTATION];
  return index === undefined ? undefined : Number(index);
}

/** `0-2,5` */
export function indexRanges(indexes: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

/** "Complete" or "Failed" once the Job has ended. */
export function endOf(job: KubeObject): { readonly type: "Complete" | "Failed"; readonly atMs: number } | undefined {
  for (const type of ["Complete", "Failed"] as const) {
    const found = conditionOf(at(job, "status", "conditions"), type);
    if (found?.["status"] === "True") return { type, atMs: Date.parse(text(found["lastTransitionTime"])) || 0 };
  }
  return undefined;
}

/** Containers that a running pod restarted, for `restartPolicy: OnFailure`. */
export function restartsWithin(view: JobView): number {
  if (at(view.job, "spec", "template", "spec", "restartPolicy") !== "OnFailure") return 0;
  return view.active.reduce((sum, pod) => {
    const statuses = [
      ...list(at(pod, "status", "initContainerStatuses")),
      ...list(at(pod, "status", "containerStatuses")),
    ];
    return sum + statuses.reduce<number>((total, status) => total + int(dict(status)["restartCount"]), 0);
  }, 0);
}

export function readyCount(view: JobView): number {
  return view.active.filter(isReady).length;
}
