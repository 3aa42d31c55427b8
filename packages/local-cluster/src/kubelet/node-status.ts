import { statfsSync } from "node:fs";
import os from "node:os";
import type { Clock, ClockTimer } from "@heddle/std";
import { ApiError, type ClusterApi, type ClusterNetworkPlan, type JsonObject } from "../contract/index.ts";
import { rfc3339 } from "./status/pod-status.ts";

/** Keeps the `Node` object and its lease. */
export interface NodeStatus {
  readonly allocatable: Readonly<Record<string, string>>;
  start(): Promise<void>;
  close(): void;
}

export interface NodeStatusDeps {
  readonly api: ClusterApi;
  readonly plan: ClusterNetworkPlan;
  readonly clock: Clock;
  readonly stateDirectory: string;
}

const NODES = { group: "", version: "v1", resource: "nodes" } as const;
const HEARTBEAT_MS = 60_000;
const KUBERNETES_VERSION = "v1.34.4+heddle";

function conditions(nowMs: number, sinceMs: number): readonly JsonObject[] {
  const healthy = [
    ["MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    ["DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ["PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  ].map(([type, reason, message]) => ({ type, status: "False", reason, message }));
  const ready = { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
  return [...healthy, ready].map((condition) => ({
    ...condition,
    lastHeartbeatTime: rfc3339(nowMs),
    lastTransitionTime: rfc3339(sinceMs),
  }));
}

export function createNodeStatus(deps: NodeStatusDeps): NodeStatus {
  const { api, plan, clock } = deps;
  const disk = statfsSync("/");
  const allocatable = {
    cpu: String(os.availableParallelism()),
    memory: `${Math.floor(os.totalmem() / 1024)}Ki`,
    "ephemeral-storage": `${Math.floor((disk.blocks * disk.bsize) / 1024)}Ki`,
    pods: "110",
  };
  const sinceMs = clock.now();
  const architecture = os.arch() === "x64" ? "amd64" : os.arch();
  const status = (): JsonObject => ({
    capacity: allocatable,
    allocatable,
    conditions: conditions(clock.now(), sinceMs),
    addresses: [
      { type: "InternalIP", address: plan.nodeIp },
      { type: "ExternalIP", address: plan.externalIp },
      { type: "Hostname", address: plan.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      machineID: "heddle",
      systemUUID: "heddle",
      bootID: "heddle",
      kernelVersion: os.release(),
      osImage: "Heddle embedded cluster",
      containerRuntimeVersion: "heddle://0.1.0",
      kubeletVersion: KUBERNETES_VERSION,
      kubeProxyVersion: KUBERNETES_VERSION,
      operatingSystem: "linux",
      architecture,
    },
  });
  let timer: ClockTimer | undefined;
  const labels = {
    "kubernetes.io/hostname": plan.nodeName,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": "linux",
    "beta.kubernetes.io/arch": architecture,
    "node-role.kubernetes.io/control-plane": "",
  };
  return {
    allocatable,
    async start() {
      const node = {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: plan.nodeName, labels },
        spec: { podCIDR: plan.podCidr, podCIDRs: [plan.podCidr], providerID: `heddle://${plan.nodeName}` },
      };
      try {
        await api.create(NODES, node);
      } catch (error) {
        if (!(error instanceof ApiError && error.code === 409)) throw error;
      }
      await api.patch(NODES, undefined, plan.nodeName, { status: status() }, "status");
      timer = clock.every(HEARTBEAT_MS, () => {
        api.patch(NODES, undefined, plan.nodeName, { status: status() }, "status").catch(() => {
          // The API server is going down or the node was deleted; the next beat tells.
        });
      });
    },
    close() {
      timer?.cancel();
    },
  };
}
