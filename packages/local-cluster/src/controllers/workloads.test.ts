import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type InProcessCluster, startInProcessCluster, until } from "../../test/in-process-cluster.ts";
import { at, int, list, text } from "../api/json/json-value.ts";
import type { KubeObject } from "../contract/index.ts";
import {
  CONFIG_MAPS,
  CRON_JOBS,
  DAEMON_SETS,
  DEFINITIONS,
  JOBS,
  NODES,
  PODS,
  REVISIONS,
  STATEFUL_SETS,
} from "./resource-ids.ts";

let cluster: InProcessCluster;
beforeEach(async () => {
  cluster = await startInProcessCluster();
});
afterEach(() => cluster.close());

const TEMPLATE = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i:1" }] } };
const NEW_IMAGE = { spec: { template: { spec: { containers: [{ name: "c", image: "i:2" }] } } } };

function object(apiVersion: string, kind: string, spec: object, name = "x"): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace: "default" }, spec };
}

const imagesOf = (pods: readonly KubeObject[]) =>
  pods.map((pod) => text(at(list(at(pod, "spec", "containers"))[0], "image")));

test("StatefulSet: in order, with stable names; a new template rolls; revisions are kept", async () => {
  await cluster.api.create(
    STATEFUL_SETS,
    object("apps/v1", "StatefulSet", {
      replicas: 3,
      serviceName: "x",
      selector: { matchLabels: { app: "x" } },
      template: TEMPLATE,
    }),
  );
  await until("db-0 alone", async () => (await cluster.listOf(PODS)).length === 1);
  await until("three ready", async () => {
    await cluster.runPods();
    return int(at(await cluster.api.get(STATEFUL_SETS, "default", "x"), "status", "readyReplicas")) === 3;
  });
  expect((await cluster.listOf(PODS)).map(({ metadata }) => metadata.name)).toEqual(["x-0", "x-1", "x-2"]);
  await cluster.api.patch(STATEFUL_SETS, "default", "x", NEW_IMAGE);
  await until("all new", async () => {
    await cluster.runPods();
    const { status, metadata } = await cluster.api.get(STATEFUL_SETS, "default", "x");
    return (
      at(status, "observedGeneration") === metadata.generation &&
      at(status, "updatedReplicas") === 3 &&
      at(status, "currentRevision") === at(status, "updateRevision") &&
      at(status, "readyReplicas") === 3
    );
  });
  expect(imagesOf(await cluster.listOf(PODS))).toEqual(["i:2", "i:2", "i:2"]);
  expect(await cluster.listOf(REVISIONS)).toHaveLength(2);
});

test("DaemonSet: one pod a node; taints and new templates", async () => {
  await cluster.api.create(
    DAEMON_SETS,
    object("apps/v1", "DaemonSet", { selector: { matchLabels: { app: "x" } }, template: TEMPLATE }),
  );
  const settled = (image: string) =>
    until(image, async () => {
      await cluster.runPods();
      const { status } = await cluster.api.get(DAEMON_SETS, "default", "x");
      return (
        at(status, "numberAvailable") === 1 &&
        at(status, "updatedNumberScheduled") === 1 &&
        imagesOf(await cluster.listOf(PODS)).join() === image
      );
    });
  await settled("i:1");
  await cluster.api.patch(DAEMON_SETS, "default", "x", NEW_IMAGE);
  await settled("i:2");
  await cluster.api.patch(NODES, undefined, "node", { spec: { taints: [{ key: "k", effect: "NoExecute" }] } });
  await until("evicted", async () => {
    await cluster.runPods();
    return (await cluster.listOf(PODS)).length === 0;
  });
  expect(at(await cluster.api.get(DAEMON_SETS, "default", "x"), "status", "desiredNumberScheduled")).toBe(0);
});

describe("Job", () => {
  const job = (spec: object) =>
    object("batch/v1", "Job", {
      template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } },
      ...spec,
    });

  test("completes, and goes when its time is over", async () => {
    await cluster.api.create(JOBS, job({ completions: 3, parallelism: 2 }));
    await until("complete", async () => {
      await cluster.runPods("Succeeded");
      const { status } = await cluster.api.get(JOBS, "default", "x");
      return (
        list(at(status, "conditions")).some(
          (item) => at(item, "type") === "Complete" && at(item, "status") === "True",
        ) && at(status, "succeeded") === 3
      );
    });
    // Not before: it may go at once, because its end is known to the second only.
    await cluster.api.patch(JOBS, "default", "x", { spec: { ttlSecondsAfterFinished: 1 } });
    await until("gone", async () => {
      await cluster.runPods();
      return (await cluster.listOf(JOBS)).length + (await cluster.listOf(PODS)).length === 0;
    });
  });

  test("fails when its pods fail too often", async () => {
    await cluster.api.create(JOBS, job({ backoffLimit: 0 }));
    await until("failed", async () => {
      await cluster.runPods("Failed");
      const { status } = await cluster.api.get(JOBS, "default", "x");
      return list(at(status, "conditions")).some(
        (item) => at(item, "type") === "Failed" && at(item, "reason") === "BackoffLimitExceeded",
      );
    });
  });
});

test("CronJob: starts what was due, with a Job named by its minute", async () => {
  const jobTemplate = {
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } } },
  };
  await cluster.api.create(CRON_JOBS, object("batch/v1", "CronJob", { schedule: "* * * * *", jobTemplate }));
  await cluster.api.patch(
    CRON_JOBS,
    "default",
    "x",
    { status: { lastScheduleTime: new Date(Date.now() - 120_000).toISOString() } },
    "status",
  );
  const [job] = await until("a job", async () => {
    const jobs = await cluster.listOf(JOBS);
    return jobs.length > 0 && jobs;
  });
  expect(job?.metadata.name).toMatch(/^x-\d+$/);
  expect(job?.metadata.ownerReferences?.[0]).toMatchObject({ kind: "CronJob", name: "x" });
});

test("garbage: an owner takes its dependents with it, and who names an owner that isn't there goes", async () => {
  const config: KubeObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "l", namespace: "default" } };
  const { uid = "" } = (await cluster.api.create(CONFIG_MAPS, config)).metadata;
  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "l", uid };
  const owned = object("v1", "Pod", { containers: [{ name: "c", image: "i" }] }, "owned");
  await until("the service account", () =>
    cluster.api
      .create(PODS, { ...owned, metadata: { ...owned.metadata, ownerReferences: [owner] } })
      .catch(() => undefined),
  );
  const stray = { ...owner, uid: "00000000-0000-0000-0000-000000000000" };
  await cluster.api.create(PODS, {
    ...owned,
    metadata: { ...owned.metadata, name: "stray", ownerReferences: [stray] },
  });
  const left = async () => {
    await cluster.runPods();
    return (await cluster.listOf(PODS)).map(({ metadata }) => metadata.name).join();
  };
  await until("the stray goes", async () => (await left()) === "owned");
  await cluster.api.delete(CONFIG_MAPS, "default", "l");
  await until("the owned goes", async () => (await left()) === "");
});

test("garbage: an owner of a custom kind takes its dependents with it", async () => {
  const names = { plural: "looms", singular: "loom", kind: "Loom", listKind: "LoomList" };
  const versions = [
    {
      name: "v1",
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    },
  ];
  await cluster.api.create(DEFINITIONS, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "looms.test.heddle.io" },
    spec: { group: "test.heddle.io", scope: "Namespaced", names, versions },
  });
  const looms = { group: "test.heddle.io", version: "v1", resource: "looms" };
  const loom = await until("the kind", () =>
    cluster.api.create(looms, object("test.heddle.io/v1", "Loom", {}, "l")).catch(() => undefined),
  );
  const owner = { apiVersion: "test.heddle.io/v1", kind: "Loom", name: "l", uid: loom.metadata.uid ?? "" };
  const owned = object("v1", "Pod", { containers: [{ name: "c", image: "i" }] }, "owned");
  await cluster.api.create(PODS, { ...owned, metadata: { ...owned.metadata, ownerReferences: [owner] } });
  const left = async () => {
    await cluster.runPods();
    return (await cluster.listOf(PODS)).map(({ metadata }) => metadata.name).join();
  };
  expect(await left()).toBe("owned");
  await cluster.api.delete(looms, "default", "l");
  await until("the owned goes", async () => (await left()) === "");
});
