import type { JsonObject, KubeObject } from "../../contract/index.ts";
import { fieldsOf, listOf, text, textOr } from "../spec/decode.ts";
import type { PodSpec } from "../spec/pod-spec.ts";
import type { ContainerRecord, ContainerState } from "./container-record.ts";
import { qosClass } from "./qos-class.ts";

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** Everything a pod's status depends on. */
export interface PodSnapshot {
  readonly pod: KubeObject;
  readonly spec: PodSpec;
  readonly init: readonly ContainerRecord[];
  readonly main: readonly ContainerRecord[];
  readonly sandboxReady: boolean;
  readonly podIp: string | undefined;
  readonly hostIp: string;
  readonly startTimeMs: number;
  /** Set when the node ended the pod, for example at its deadline. */
  readonly verdict: { readonly reason: string; readonly message: string } | undefined;
}

export const rfc3339 = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const initDone = (record: ContainerRecord): boolean =>
  record.role === "sidecar" ? record.started : record.state.kind === "terminated" && record.state.exitCode === 0;

/** Source: kubelet `getPhase`. */
export function phaseOf(snapshot: Pick<PodSnapshot, "spec" | "init" | "main" | "verdict">): Phase {
  if (snapshot.verdict) return "Failed";
  const { restartPolicy } = snapshot.spec;
  const ended = (record: ContainerRecord): boolean =>
    record.state.kind === "terminated" || (record.state.kind === "waiting" && record.lastState !== undefined);
  const failedInit = snapshot.init.some(
    (record) =>
      record.role === "init" &&
      record.state.kind === "terminated" &&
      record.state.exitCode !== 0 &&
      restartPolicy === "Never",
  );
  if (failedInit) return "Failed";
  const started = snapshot.main.some((record) => record.state.kind === "running" || ended(record));
  if (!started && !snapshot.init.every(initDone)) return "Pending";
  if (snapshot.main.some((record) => record.state.kind === "waiting" && record.lastState === undefined))
    return "Pending";
  if (snapshot.main.some((record) => record.state.kind === "running")) return "Running";
  if (restartPolicy === "Always") return "Running";
  const exits = snapshot.main.map((record) => (record.state.kind === "terminated" ? record.state.exitCode : undefined));
  if (exits.every((code) => code === 0)) return "Succeeded";
  return restartPolicy === "Never" && exits.every((code) => code !== undefined) ? "Failed" : "Running";
}

/** A pod is over only when nothing of it runs any more, sidecars included. Source: kubelet `mergePodStatus`. */
function shownPhase(verdict: Phase, { init, main }: PodSnapshot): Phase {
  const over = verdict === "Succeeded" || verdict === "Failed";
  if (!over || ![...init, ...main].some((record) => record.state.kind === "running")) return verdict;
  return main.some((record) => record.state.kind !== "waiting" || record.lastState !== undefined)
    ? "Running"
    : "Pending";
}

function stateJson(state: ContainerState): JsonObject {
  switch (state.kind) {
    case "waiting":
      return { waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) } };
    case "running":
      return { running: { startedAt: rfc3339(state.startedMs) } };
    case "terminated":
      return {
        terminated: {
          exitCode: state.exitCode,
          reason: state.reason,
          ...(state.message ? { message: state.message } : {}),
          startedAt: state.startedMs === undefined ? null : rfc3339(state.startedMs),
          finishedAt: rfc3339(state.finishedMs),
          ...(state.containerId === undefined ? {} : { containerID: state.containerId }),
        },
      };
  }
}

const containerStatus = (record: ContainerRecord): JsonObject => ({
  name: record.spec.name,
  state: stateJson(record.state),
  lastState: record.lastState ? stateJson(record.lastState) : {},
  ready: record.role === "init" ? record.state.kind === "terminated" && record.state.exitCode === 0 : record.ready,
  restartCount: record.restartCount,
  image: record.spec.image,
  imageID: record.imageId,
  ...(record.containerId === undefined ? {} : { containerID: record.containerId }),
  started: record.role === "init" ? record.state.kind === "running" : record.started,
});

interface Condition {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

function conditionsOf(snapshot: PodSnapshot, phase: Phase): readonly Condition[] {
  const completed = phase === "Succeeded";
  const over = completed || phase === "Failed";
  const unready = [...snapshot.main, ...snapshot.init.filter((record) => record.role === "sidecar")].filter(
    (record) => !record.ready,
  );
  const incomplete = snapshot.init.filter((record) => !initDone(record));
  const mainsBegan = snapshot.main.some((record) => record.state.kind !== "waiting" || record.lastState !== undefined);
  const initialized =
    completed || incomplete.length === 0 || (mainsBegan && incomplete.every((record) => record.role === "sidecar"));
  const names = (records: readonly ContainerRecord[]): string =>
    `[${records.map((record) => record.spec.name).join(" ")}]`;
  const containersReady: Omit<Condition, "type"> = over
    ? { status: false, reason: completed ? "PodCompleted" : "PodFailed", message: undefined }
    : unready.length > 0
      ? { status: false, reason: "ContainersNotReady", message: `containers with unready status: ${names(unready)}` }
      : { status: true, reason: undefined, message: undefined };
  const own = listOf(fieldsOf(snapshot.pod["status"])["conditions"]).map(fieldsOf);
  const closedGate = snapshot.spec.readinessGates.find(
    (gate) => !own.some((c) => c["type"] === gate && c["status"] === "True"),
  );
  const ready: Omit<Condition, "type"> =
    containersReady.status && closedGate !== undefined
      ? {
          status: false,
          reason: "ReadinessGatesNotReady",
          message: `corresponding condition of pod readiness gate "${closedGate}" does not exist or is not "True".`,
        }
      : containersReady;
  return [
    {
      type: "PodReadyToStartContainers",
      status: snapshot.sandboxReady && !over,
      reason: undefined,
      message: undefined,
    },
    {
      type: "Initialized",
      status: initialized,
      reason: completed ? "PodCompleted" : initialized ? undefined : "ContainersNotInitialized",
      message: initialized ? undefined : `containers with incomplete status: ${names(incomplete)}`,
    },
    { type: "Ready", ...ready },
    { type: "ContainersReady", ...containersReady },
  ];
}

/** Keeps conditions of others (`PodScheduled`, readiness gates) and the transition times of unchanged ones. */
function mergeConditions(
  present: readonly unknown[],
  next: readonly Condition[],
  nowMs: number,
): readonly JsonObject[] {
  const before = present.map(fieldsOf);
  const ours = new Set(next.map((condition) => condition.type));
  const result: JsonObject[] = next.map((condition) => {
    const status = condition.status ? "True" : "False";
    const same = before.find((old) => old["type"] === condition.type && old["status"] === status);
    return {
      type: condition.type,
      status,
      lastProbeTime: null,
      lastTransitionTime: text(same?.["lastTransitionTime"]) ?? rfc3339(nowMs),
      ...(condition.reason === undefined ? {} : { reason: condition.reason }),
      ...(condition.message === undefined ? {} : { message: condition.message }),
    };
  });
  // As values of JSON they came, and so they go.
  for (const old of before) if (!ours.has(textOr(old["type"], ""))) result.push(old as JsonObject);
  return result;
}

/** The `status` of a pod. Pure. */
export function podStatus(snapshot: PodSnapshot, nowMs: number): JsonObject {
  const verdict = phaseOf(snapshot);
  const phase = shownPhase(verdict, snapshot);
  const present = listOf(fieldsOf(snapshot.pod["status"])["conditions"]);
  return {
    phase,
    conditions: mergeConditions(present, conditionsOf(snapshot, verdict), nowMs),
    ...(snapshot.verdict ? { reason: snapshot.verdict.reason, message: snapshot.verdict.message } : {}),
    hostIP: snapshot.hostIp,
    hostIPs: [{ ip: snapshot.hostIp }],
    ...(snapshot.podIp === undefined ? {} : { podIP: snapshot.podIp, podIPs: [{ ip: snapshot.podIp }] }),
    startTime: rfc3339(snapshot.startTimeMs),
    ...(snapshot.init.length > 0 ? { initContainerStatuses: snapshot.init.map(containerStatus) } : {}),
    // Listed by name, as the kubelet lists them.
    containerStatuses: snapshot.main
      .map(containerStatus)
      .sort((a, b) => (String(a["name"]) < String(b["name"]) ? -1 : 1)),
    qosClass: qosClass(snapshot.spec),
  };
}
