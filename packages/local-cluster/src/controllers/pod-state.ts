import { at, dict, int, list, text } from "../api/json/json-value.ts";
import type { KubeObject } from "../contract/index.ts";

export function podPhase(pod: KubeObject): string {
  return text(at(pod, "status", "phase"), "Pending");
}

export function isTerminating(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function isFinished(pod: KubeObject): boolean {
  const phase = podPhase(pod);
  return phase === "Succeeded" || phase === "Failed";
}

/** Counts towards the replicas that are wanted. */
export function isActive(pod: KubeObject): boolean {
  return !isFinished(pod) && !isTerminating(pod);
}

export function condition(object: KubeObject, type: string): Readonly<Record<string, unknown>> | undefined {
  const found = list(at(object, "status", "conditions")).find((item) => dict(item)["type"] === type);
  return found === undefined ? undefined : dict(found);
}

export function isReady(pod: KubeObject): boolean {
  return condition(pod, "Ready")?.["status"] === "True";
}

/** When the pod became ready. Units: ms since 1970; undefined when it is not ready. */
export function readySinceMs(pod: KubeObject): number | undefined {
  const ready = condition(pod, "Ready");
  if (ready?.["status"] !== "True") return undefined;
  const since = Date.parse(text(ready["lastTransitionTime"]));
  return Number.isNaN(since) ? 0 : since;
}

/** Ready for `minReadySeconds`; else how long until then (undefined: not ready). Units: ms. */
export function availability(
  pod: KubeObject,
  minReadySeconds: number,
  nowMs: number,
): { readonly available: boolean; readonly inMs?: number } {
  const since = readySinceMs(pod);
  if (since === undefined) return { available: false };
  const leftMs = since + minReadySeconds * 1000 - nowMs;
  return minReadySeconds === 0 || leftMs <= 0 ? { available: true } : { available: false, inMs: leftMs };
}

export function nodeNameOf(pod: KubeObject): string {
  return text(at(pod, "spec", "nodeName"));
}

export function restartsOf(pod: KubeObject): number {
  return list(at(pod, "status", "containerStatuses")).reduce<number>(
    (most, status) => Math.max(most, int(dict(status)["restartCount"])),
    0,
  );
}

export function createdMs(object: KubeObject): number {
  return Date.parse(object.metadata.creationTimestamp ?? "") || 0;
}

/** RFC 3339 with seconds, as status fields have it. */
export function timestamp(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}
