import { describe, expect, test } from "bun:test";
import type { KubeObject } from "../../contract/index.ts";
import { decodePod } from "../spec/pod-spec.ts";
import { type ContainerRecord, newRecord, wantsRestart } from "./container-record.ts";
import { createCrashBackoff, shortDuration } from "./crash-backoff.ts";
import { type PodSnapshot, podStatus } from "./pod-status.ts";

const SECOND = 1000;

test("restarts wait 0, 10, 20 … 300 s, and start over after ten good minutes", () => {
  const backoff = createCrashBackoff();
  const waits = Array.from({ length: 8 }, () => backoff.afterExit(0, SECOND) / SECOND);
  expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  expect(backoff.afterExit(0, 600 * SECOND)).toBe(0);
  expect(shortDuration(160_000)).toBe("2m40s");
});

test("restart policies", () => {
  expect(wantsRestart("main", "Always", 0)).toBe(true);
  expect(wantsRestart("main", "OnFailure", 0)).toBe(false);
  expect(wantsRestart("main", "OnFailure", 1)).toBe(true);
  expect(wantsRestart("main", "Never", 1)).toBe(false);
  expect(wantsRestart("sidecar", "Never", 0)).toBe(true);
  expect(wantsRestart("init", "Always", 0)).toBe(false);
  expect(wantsRestart("init", "Always", 1)).toBe(true);
  expect(wantsRestart("init", "Never", 1)).toBe(false);
});

const POD: KubeObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "ns" },
  spec: {
    containers: [{ name: "a" }, { name: "b" }],
    initContainers: [{ name: "i" }, { name: "s", restartPolicy: "Always" }],
  },
};

const running: Partial<ContainerRecord> = { state: { kind: "running", startedMs: 0 }, started: true, ready: true };
const ended = (exitCode: number): Partial<ContainerRecord> => ({
  state: {
    kind: "terminated",
    exitCode,
    reason: exitCode ? "Error" : "Completed",
    message: undefined,
    startedMs: 0,
    finishedMs: 1,
    containerId: "x",
  },
  ready: false,
});

function status(
  init: readonly Partial<ContainerRecord>[],
  main: readonly Partial<ContainerRecord>[],
  policy = "Always",
  pod = POD,
  verdict?: PodSnapshot["verdict"],
) {
  const spec = {
    ...decodePod(pod),
    restartPolicy: policy === "Never" ? "Never" : policy === "OnFailure" ? "OnFailure" : "Always",
  } as const;
  const roles = ["init", "sidecar"] as const;
  return podStatus(
    {
      pod,
      spec,
      init: spec.initContainers.map((c, index) => ({
        ...newRecord(c, roles[index] ?? "init", "PodInitializing"),
        ...init[index],
      })),
      main: spec.containers.map((c, index) => ({ ...newRecord(c, "main", "PodInitializing"), ...main[index] })),
      sandboxReady: true,
      podIp: "10.0.0.1",
      hostIp: "10.0.0.2",
      startTimeMs: 0,
      verdict,
    },
    5000,
  );
}

const condition = (of: ReturnType<typeof status>, type: string): unknown =>
  Array.isArray(of["conditions"]) ? of["conditions"].find((entry) => entry.type === type) : undefined;

describe("pod status", () => {
  test("initializing", () => {
    const now = status([{}, {}], []);
    expect(now["phase"]).toBe("Pending");
    expect(condition(now, "Initialized")).toMatchObject({
      status: "False",
      message: "containers with incomplete status: [i s]",
    });
    expect(now["containerStatuses"]).toMatchObject([
      { name: "a", state: { waiting: { reason: "PodInitializing" } } },
      { name: "b" },
    ]);
  });

  test("running, ready only when sidecars are, too", () => {
    expect(condition(status([ended(0), running], [running, running]), "Ready")).toMatchObject({ status: "True" });
    const unready = status([ended(0), { ...running, ready: false }], [running, running]);
    expect(unready["phase"]).toBe("Running");
    expect(condition(unready, "Ready")).toMatchObject({
      status: "False",
      message: "containers with unready status: [s]",
    });
  });

  test("ends", () => {
    const done = [ended(0), ended(143)];
    expect(status(done, [ended(0), ended(0)], "Never")["phase"]).toBe("Succeeded");
    expect(condition(status(done, [ended(0), ended(0)], "Never"), "Ready")).toMatchObject({
      status: "False",
      reason: "PodCompleted",
    });
    expect(status([ended(0), running], [ended(0), ended(0)], "Never")["phase"]).toBe("Running");
    expect(status(done, [ended(0), ended(1)], "Never")["phase"]).toBe("Failed");
    expect(status(done, [ended(0), ended(1)], "OnFailure")["phase"]).toBe("Running");
    expect(status([ended(1), {}], [], "Never")["phase"]).toBe("Failed");
    expect(status([ended(1), {}], [], "Always")["phase"]).toBe("Pending");
    const late = status(done, [running, running], "Always", POD, { reason: "DeadlineExceeded", message: "m" });
    expect(late).toMatchObject({ phase: "Running", reason: "DeadlineExceeded" });
  });

  test("conditions of others stay, unchanged ones keep their time", () => {
    const conditions = [
      { type: "PodScheduled", status: "True", lastTransitionTime: "a" },
      { type: "Ready", status: "True", lastTransitionTime: "b" },
    ];
    const now = status([ended(0), running], [running, running], "Always", { ...POD, status: { conditions } });
    expect(condition(now, "PodScheduled")).toMatchObject({ lastTransitionTime: "a" });
    expect(condition(now, "Ready")).toMatchObject({ lastTransitionTime: "b" });
    expect(condition(now, "Initialized")).toMatchObject({ lastTransitionTime: "1970-01-01T00:00:05Z" });
  });

  test("a readiness gate keeps the pod unready", () => {
    const gated = { ...POD, spec: { containers: [{ name: "a" }], readinessGates: [{ conditionType: "x/y" }] } };
    const now = status([], [running], "Always", gated);
    expect(condition(now, "ContainersReady")).toMatchObject({ status: "True" });
    expect(condition(now, "Ready")).toMatchObject({ status: "False", reason: "ReadinessGatesNotReady" });
  });
});
