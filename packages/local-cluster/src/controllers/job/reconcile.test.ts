import { describe, expect, test } from "bun:test";
import { at, freeze, list } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Plan } from "../action.ts";
import { reconcileJob } from "./reconcile.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const at0 = new Date(NOW - 60_000).toISOString();

function job(spec: object, status: object = { startTime: at0 }): KubeObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "j", namespace: "n", uid: "u" },
    spec: { template: { spec: { containers: [{ name: "c", image: "i" }] } }, ...spec },
    status,
  };
}

function pod(
  name: string,
  phase: string,
  more: { index?: number; finished?: string; terminating?: boolean; restarts?: number } = {},
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "n",
      creationTimestamp: at0,
      ...(more.index !== undefined && {
        annotations: { "batch.kubernetes.io/job-completion-index": String(more.index) },
      }),
      ...(more.terminating === true && { deletionTimestamp: at0 }),
    },
    status: {
      phase,
      containerStatuses: [
        { restartCount: more.restarts ?? 0, state: { terminated: { finishedAt: more.finished ?? at0 } } },
      ],
    },
  };
}

/** The plan in words. */
function words(plan: Plan): readonly string[] {
  return plan.actions.flatMap((action) => {
    switch (action.kind) {
      case "create":
        return `create ${action.object.metadata.generateName ?? action.object.metadata.name}`;
      case "delete":
        return `delete ${action.object.metadata.name}`;
      case "event":
        return `event ${action.reason}`;
      case "status":
        return list(at(action.status, "conditions")).map((item) => `${at(item, "type")}=${at(item, "status")}`);
      default:
        return [];
    }
  });
}

const cases: readonly {
  readonly name: string;
  readonly job: KubeObject;
  readonly pods: readonly KubeObject[];
  readonly want: readonly string[];
  readonly againInMs?: number;
}[] = [
  { name: "starts one pod", job: job({}, {}), pods: [], want: ["create j-"] },
  {
    name: "as many side by side as parallelism allows",
    job: job({ completions: 5, parallelism: 2 }),
    pods: [pod("a", "Running")],
    want: ["create j-"],
  },
  {
    name: "not more than are left",
    job: job({ completions: 3, parallelism: 3 }),
    pods: [pod("a", "Succeeded"), pod("b", "Succeeded"), pod("c", "Running")],
    want: [],
  },
  {
    name: "complete",
    job: job({ completions: 1 }),
    pods: [pod("a", "Succeeded")],
    want: ["SuccessCriteriaMet=True", "Complete=True", "event Completed"],
  },
  {
    name: "complete, but a pod still ends",
    job: job({ completions: 1 }),
    pods: [pod("a", "Succeeded"), pod("b", "Running", { terminating: true })],
    want: ["SuccessCriteriaMet=True"],
  },
  {
    name: "without completions one success is enough, when the others have ended",
    job: job({ parallelism: 2 }),
    pods: [pod("a", "Succeeded"), pod("b", "Running")],
    want: [],
  },
  {
    name: "a failed pod is replaced after a pause",
    job: job({}),
    pods: [pod("a", "Failed", { finished: new Date(NOW - 4000).toISOString() })],
    want: [],
    againInMs: 6000,
  },
  {
    name: "… and then",
    job: job({}),
    pods: [pod("a", "Failed", { finished: new Date(NOW - 11_000).toISOString() })],
    want: ["create j-"],
  },
  {
    name: "too many failures",
    job: job({ backoffLimit: 1, parallelism: 2, completions: 2 }),
    pods: [pod("a", "Failed"), pod("b", "Failed"), pod("c", "Running")],
    want: ["delete c", "FailureTarget=True"],
  },
  {
    name: "restarts count where pods are kept",
    job: job({ backoffLimit: 2, template: { spec: { restartPolicy: "OnFailure", containers: [] } } }),
    pods: [pod("a", "Running", { restarts: 3 })],
    want: ["delete a", "FailureTarget=True"],
  },
  {
    name: "too long",
    job: job({ activeDeadlineSeconds: 30 }),
    pods: [pod("a", "Running")],
    want: ["delete a", "FailureTarget=True"],
  },
  {
    name: "suspended",
    job: job({ suspend: true }),
    pods: [pod("a", "Running")],
    want: ["delete a", "event Suspended", "Suspended=True"],
  },
  {
    name: "indexed: the free indexes",
    job: job({ completions: 4, parallelism: 4, completionMode: "Indexed" }),
    pods: [pod("a", "Succeeded", { index: 0 }), pod("b", "Running", { index: 2 })],
    want: ["create j-1-", "create j-3-"],
  },
  {
    name: "ended: waits for its time to live",
    job: job(
      { ttlSecondsAfterFinished: 100 },
      { conditions: [{ type: "Complete", status: "True", lastTransitionTime: at0 }] },
    ),
    pods: [],
    want: [],
    againInMs: 40_000,
  },
  {
    name: "ended: goes",
    job: job(
      { ttlSecondsAfterFinished: 60 },
      { conditions: [{ type: "Complete", status: "True", lastTransitionTime: at0 }] },
    ),
    pods: [],
    want: ["delete j"],
  },
];

describe("reconcileJob", () => {
  for (const { name, want, againInMs, ...observed } of cases) {
    test(name, () => {
      const plan = reconcileJob(freeze({ ...observed, nowMs: NOW }));
      expect(words(plan)).toEqual([...want]);
      if (againInMs !== undefined) expect(plan.againInMs).toBe(againInMs);
    });
  }
});
