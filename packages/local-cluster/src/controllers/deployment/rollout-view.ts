import { at, cloneDict, dict, int, sameJson, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { createdMs } from "../pod-state.ts";
import { HASH_LABEL } from "./rollout-annotations.ts";

/** A Deployment with its numbers worked out. */
export interface RolloutView {
  readonly deployment: KubeObject;
  readonly replicas: number;
  readonly recreate: boolean;
  readonly paused: boolean;
  /** Pods over `replicas` that a rolling update may have. */
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly minReadySeconds: number;
  /** Undefined: no deadline. Units: s. */
  readonly progressDeadlineSeconds: number | undefined;
  /** The ReplicaSet of the present template. */
  readonly newSet: KubeObject | undefined;
  /** All others, oldest first. */
  readonly oldSets: readonly KubeObject[];
  readonly nowMs: number;
}

const NO_DEADLINE = 2147483647;

export function rolloutView(deployment: KubeObject, replicaSets: readonly KubeObject[], nowMs: number): RolloutView {
  const spec = dict(at(deployment, "spec"));
  const replicas = int(spec["replicas"], 1);
  const recreate = text(at(spec, "strategy", "type"), "RollingUpdate") === "Recreate";
  const rolling = dict(at(spec, "strategy", "rollingUpdate"));
  const surge = recreate ? 0 : scaled(rolling["maxSurge"] ?? "25%", replicas, Math.ceil);
  const unavailable = recreate ? 0 : scaled(rolling["maxUnavailable"] ?? "25%", replicas, Math.floor);
  const deadline = int(spec["progressDeadlineSeconds"], 600);
  const sorted = replicaSets.toSorted(byAge);
  const newSet = sorted.find((set) => sameTemplate(at(set, "spec", "template"), spec["template"]));
  return {
    deployment,
    replicas,
    recreate,
    paused: spec["paused"] === true,
    maxSurge: surge,
    // Both zero would never move.
    maxUnavailable: recreate ? 0 : Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas),
    minReadySeconds: int(spec["minReadySeconds"]),
    progressDeadlineSeconds: deadline === NO_DEADLINE ? undefined : deadline,
    newSet,
    oldSets: sorted.filter((set) => set !== newSet),
    nowMs,
  };
}

function byAge(a: KubeObject, b: KubeObject): number {
  return createdMs(a) - createdMs(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

/** A number, or a percentage of `total`. */
function scaled(value: unknown, total: number, round: (value: number) => number): number {
  if (typeof value === "number") return value;
  const percent = /^(\d+)%$/.exec(text(value));
  return percent === null ? 0 : round((Number(percent[1]) * total) / 100);
}

/** Equal but for the label that tells ReplicaSets apart. */
function sameTemplate(left: unknown, right: unknown): boolean {
  return sameJson(withoutHash(left), withoutHash(right));
}

function withoutHash(template: unknown): Readonly<Record<string, unknown>> {
  const copy = cloneDict(dict(template));
  const metadata = dict(copy["metadata"]);
  const labels = { ...dict(metadata["labels"]) };
  delete labels[HASH_LABEL];
  const { creationTimestamp: _, ...rest } = metadata;
  return { ...copy, metadata: { ...rest, labels } };
}

export function specReplicas(set: KubeObject | undefined): number {
  return set === undefined ? 0 : int(at(set, "spec", "replicas"), 1);
}

export function statusCount(
  set: KubeObject | undefined,
  field: "replicas" | "readyReplicas" | "availableReplicas",
): number {
  return set === undefined ? 0 : int(at(set, "status", field));
}

export function total(
  sets: readonly (KubeObject | undefined)[],
  count: (set: KubeObject | undefined) => number,
): number {
  return sets.reduce<number>((sum, set) => sum + count(set), 0);
}

export function allSets(view: RolloutView): readonly KubeObject[] {
  return view.newSet === undefined ? view.oldSets : [...view.oldSets, view.newSet];
}
