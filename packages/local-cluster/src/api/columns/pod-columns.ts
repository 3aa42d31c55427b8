import type { KubeObject } from "../../contract/index.ts";
import { at, type Dict, dict, int, list, text } from "../json/json-value.ts";
import { ageOf } from "../read/age.ts";
import { AGE, NAME } from "../resources/basic-columns.ts";
import type { Column } from "../resources/resource-definition.ts";
import { column, orNone, wide } from "./column-kit.ts";

interface PodSummary {
  readonly ready: number;
  readonly total: number;
  readonly status: string;
  readonly restarts: string;
}

function condition(pod: KubeObject, type: string): Dict | undefined {
  return list(at(pod, "status", "conditions"))
    .map(dict)
    .find((item) => item["type"] === type);
}

function stateReason(state: Dict): string {
  const waiting = text(at(state, "waiting", "reason"));
  if (waiting !== "") return waiting;
  const terminated = dict(state["terminated"]);
  const reason = text(terminated["reason"]);
  if (reason !== "") return reason;
  if (state["terminated"] === undefined) return "";
  const signal = int(terminated["signal"]);
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${int(terminated["exitCode"])}`;
}

function restartsText(count: number, last: string, now: number): string {
  return count > 0 && last !== "" ? `${count} (${ageOf(last, now)} ago)` : String(count);
}

/** What `kubectl get pods` says of a pod; follows printPod of Kubernetes 1.34. */
export function podSummary(pod: KubeObject, now: number): PodSummary {
  const spec = dict(pod["spec"]);
  const status = dict(pod["status"]);
  const initSpecs = list(spec["initContainers"]).map(dict);
  const sidecars = new Set(
    initSpecs.filter((item) => item["restartPolicy"] === "Always").map((item) => text(item["name"])),
  );
  let reason = text(status["reason"]) || text(status["phase"]);
  if (condition(pod, "PodScheduled")?.["reason"] === "SchedulingGated") reason = "SchedulingGated";

  let ready = 0;
  let restarts = 0;
  let sidecarRestarts = 0;
  let lastRestart = "";
  let sidecarLastRestart = "";
  let initializing = false;
  const later = (before: string, item: Dict): string => {
    const finished = text(at(item, "lastState", "terminated", "finishedAt"));
    return finished > before ? finished : before;
  };

  const initStatuses = list(status["initContainerStatuses"]).map(dict);
  for (const [index, item] of initStatuses.entries()) {
    const isSidecar = sidecars.has(text(item["name"]));
    restarts += int(item["restartCount"]);
    lastRestart = later(lastRestart, item);
    if (isSidecar) {
      sidecarRestarts += int(item["restartCount"]);
      sidecarLastRestart = later(sidecarLastRestart, item);
    }
    const state = dict(item["state"]);
    if (state["terminated"] !== undefined && at(state, "terminated", "exitCode") === 0) continue;
    if (isSidecar && item["started"] === true) {
      if (item["ready"] === true) ready++;
      continue;
    }
    const waiting = text(at(state, "waiting", "reason"));
    if (state["terminated"] !== undefined) reason = `Init:${stateReason({ terminated: state["terminated"] })}`;
    else if (waiting !== "" && waiting !== "PodInitializing") reason = `Init:${waiting}`;
    else reason = `Init:${index}/${initSpecs.length}`;
    initializing = true;
    break;
  }

  const initialized = condition(pod, "Initialized")?.["status"] === "True";
  if (!initializing || initialized) {
    restarts = sidecarRestarts;
    lastRestart = sidecarLastRestart;
    let running = false;
    for (const item of list(status["containerStatuses"]).map(dict).reverse()) {
      restarts += int(item["restartCount"]);
      lastRestart = later(lastRestart, item);
      const state = dict(item["state"]);
      const found = stateReason(state);
      if (found !== "") reason = found;
      else if (item["ready"] === true && state["running"] !== undefined) {
        running = true;
        ready++;
      }
    }
    if (reason === "Completed" && running) {
      reason = condition(pod, "Ready")?.["status"] === "True" ? "Running" : "NotReady";
    }
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    const ended = status["phase"] === "Succeeded" || status["phase"] === "Failed";
    if (status["reason"] === "NodeLost") reason = "Unknown";
    else if (!ended) reason = "Terminating";
  }
  return {
    ready,
    total: list(spec["containers"]).length + sidecars.size,
    status: reason,
    restarts: restartsText(restarts, lastRestart, now),
  };
}

function readinessGates(pod: KubeObject): string {
  const gates = list(at(pod, "spec", "readinessGates")).map(dict);
  if (gates.length === 0) return "<none>";
  const passed = gates.filter((gate) => condition(pod, text(gate["conditionType"]))?.["status"] === "True");
  return `${passed.length}/${gates.length}`;
}

export const POD_COLUMNS: readonly Column[] = [
  NAME,
  column("Ready", (pod, now) => {
    const { ready, total } = podSummary(pod, now);
    return `${ready}/${total}`;
  }),
  column("Status", (pod, now) => podSummary(pod, now).status),
  column("Restarts", (pod, now) => podSummary(pod, now).restarts),
  AGE,
  wide("IP", (pod) => orNone(text(at(list(at(pod, "status", "podIPs"))[0], "ip")) || text(at(pod, "status", "podIP")))),
  wide("Node", (pod) => orNone(text(at(pod, "spec", "nodeName")))),
  wide("Nominated Node", (pod) => orNone(text(at(pod, "status", "nominatedNodeName")))),
  wide("Readiness Gates", readinessGates),
];
