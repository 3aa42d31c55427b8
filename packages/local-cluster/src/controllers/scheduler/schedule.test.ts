import { describe, expect, test } from "bun:test";
import { freeze } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { schedulePod } from "./schedule.ts";

function node(more: { labels?: Record<string, string>; spec?: object; allocatable?: object } = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n", labels: { "kubernetes.io/hostname": "n", ...more.labels } },
    spec: more.spec ?? {},
    status: { allocatable: { cpu: "1", memory: "1Gi", pods: "3", ...more.allocatable } },
  };
}

function pod(spec: object, name = "p", labels: Record<string, string> = {}): KubeObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "d", uid: name, labels }, spec, status: {} };
}

const asks = (cpu: string) => ({ containers: [{ name: "c", resources: { requests: { cpu } } }] });
const placed = (spec: object, name = "q", labels: Record<string, string> = {}) =>
  pod({ ...spec, nodeName: "n" }, name, labels);
const antiAffinity = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "x" } } },
      ],
    },
  },
};
const PREEMPTION =
  "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

const cases: readonly {
  readonly name: string;
  readonly pod: KubeObject;
  readonly nodes?: readonly KubeObject[];
  readonly placed?: readonly KubeObject[];
  readonly refused?: string;
}[] = [
  { name: "fits", pod: pod(asks("500m")) },
  { name: "no nodes", pod: pod(asks("1")), nodes: [], refused: "no nodes available to schedule pods" },
  {
    name: "too much",
    pod: pod(asks("600m")),
    placed: [placed(asks("500m"))],
    refused: `0/1 nodes are available: 1 Insufficient cpu. ${PREEMPTION}`,
  },
  {
    name: "ended pods use nothing",
    pod: pod(asks("600m")),
    placed: [{ ...placed(asks("500m")), status: { phase: "Succeeded" } }],
  },
  {
    name: "an init container's peak counts",
    pod: pod({ containers: [], initContainers: [{ resources: { requests: { cpu: "2" } } }] }),
    refused: `0/1 nodes are available: 1 Insufficient cpu. ${PREEMPTION}`,
  },
  {
    name: "node selector",
    pod: pod({ nodeSelector: { disk: "ssd" } }),
    refused: `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. ${PREEMPTION}`,
  },
  {
    name: "node selector that holds",
    pod: pod({ nodeSelector: { disk: "ssd" } }),
    nodes: [node({ labels: { disk: "ssd" } })],
  },
  {
    name: "node affinity",
    pod: pod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }],
          },
        },
      },
    }),
    nodes: [node({ labels: { zone: "b" } })],
    refused: `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. ${PREEMPTION}`,
  },
  {
    name: "taint",
    pod: pod({}),
    nodes: [node({ spec: { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] } })],
    refused: `0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}. ${PREEMPTION}`,
  },
  {
    name: "tolerated taint",
    pod: pod({ tolerations: [{ key: "gpu", operator: "Exists" }] }),
    nodes: [node({ spec: { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] } })],
  },
  {
    name: "cordoned",
    pod: pod({}),
    nodes: [node({ spec: { unschedulable: true } })],
    refused: `0/1 nodes are available: 1 node(s) were unschedulable. ${PREEMPTION}`,
  },
  {
    name: "host port",
    pod: pod({ containers: [{ ports: [{ hostPort: 80 }] }] }),
    placed: [placed({ containers: [{ ports: [{ hostPort: 80 }] }] })],
    refused: `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. ${PREEMPTION}`,
  },
  {
    name: "anti-affinity",
    pod: pod(antiAffinity),
    placed: [placed({}, "q", { app: "x" })],
    refused: `0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. ${PREEMPTION}`,
  },
  {
    name: "anti-affinity of who is there",
    pod: pod({}, "p", { app: "x" }),
    placed: [placed(antiAffinity)],
    refused: `0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. ${PREEMPTION}`,
  },
  {
    name: "full",
    pod: pod({}),
    placed: [placed({}, "a"), placed({}, "b"), placed({}, "c")],
    refused: `0/1 nodes are available: 1 Too many pods. ${PREEMPTION}`,
  },
];

describe("schedulePod", () => {
  for (const { name, refused, ...given } of cases) {
    test(name, () => {
      const plan = schedulePod(freeze({ nodes: [node()], placed: [], claimProblem: undefined, nowMs: 0, ...given }));
      const [first] = plan.actions;
      if (refused === undefined)
        expect(first).toMatchObject({ kind: "create", object: { kind: "Binding", target: { name: "n" } } });
      else expect(first).toMatchObject({ kind: "event", reason: "FailedScheduling", message: refused });
    });
  }

  test("the same refusal is told once", () => {
    const observed = { pod: pod(asks("1")), nodes: [], placed: [], claimProblem: undefined, nowMs: 0 };
    const status = {
      conditions: [
        {
          type: "PodScheduled",
          status: "False",
          reason: "Unschedulable",
          message: "no nodes available to schedule pods",
        },
      ],
    };
    expect(schedulePod({ ...observed, pod: { ...observed.pod, status } }).actions).toEqual([]);
  });
});
