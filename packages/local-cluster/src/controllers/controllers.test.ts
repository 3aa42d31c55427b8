import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type InProcessCluster, startInProcessCluster, until } from "../../test/in-process-cluster.ts";
import { at, int, list, text } from "../api/json/json-value.ts";
import type { KubeObject } from "../contract/index.ts";
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  ENDPOINTS,
  NAMESPACES,
  PODS,
  REPLICA_SETS,
  SERVICE_ACCOUNTS,
  SERVICES,
  SLICES,
} from "./resource-ids.ts";

let cluster: InProcessCluster;
beforeEach(async () => {
  cluster = await startInProcessCluster();
});
afterEach(() => cluster.close());

function deployment(replicas: number, image = "a:1"): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "c", image, ports: [{ name: "http", containerPort: 8080 }] }] },
      },
    },
  };
}

async function rolledOut(): Promise<KubeObject> {
  return until("the rollout", async () => {
    await cluster.runPods();
    const web = await cluster.api.get(DEPLOYMENTS, "default", "web");
    const { status } = web;
    const replicas = int(at(web, "spec", "replicas"));
    const done =
      int(at(status, "observedGeneration")) === web.metadata.generation &&
      int(at(status, "updatedReplicas")) === replicas &&
      int(at(status, "availableReplicas")) === replicas &&
      int(at(status, "replicas")) === replicas;
    return done && web;
  });
}

describe("Deployment", () => {
  test("a Deployment of one replica gets its ReplicaSet and pod", async () => {
    await cluster.api.create(DEPLOYMENTS, deployment(1));
    const [pod] = await until("a pod", async () => {
      const pods = await cluster.listOf(PODS);
      return pods.length > 0 && pods;
    });
    const [set] = await cluster.listOf(REPLICA_SETS);
    expect(pod?.metadata.name.startsWith(`${set?.metadata.name}-`)).toBe(true);
    expect(pod?.metadata.labels?.["pod-template-hash"]).toBe(set?.metadata.name.slice("web-".length));
    expect(set?.metadata.ownerReferences?.[0]).toMatchObject({ kind: "Deployment", name: "web", controller: true });
  });

  test("rolls a new template out and keeps the old ReplicaSet for undo", async () => {
    await cluster.api.create(DEPLOYMENTS, deployment(3));
    await rolledOut();
    await cluster.api.patch(DEPLOYMENTS, "default", "web", {
      spec: { template: { spec: { containers: [{ name: "c", image: "a:2" }] } } },
    });
    const web = await rolledOut();
    expect(web.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("2");
    const sets = (await cluster.listOf(REPLICA_SETS)).map(
      (set) => `${set.metadata.annotations?.["deployment.kubernetes.io/revision"]}:${int(at(set, "spec", "replicas"))}`,
    );
    expect(sets.toSorted()).toEqual(["1:0", "2:3"]);
    expect(
      list(at(web, "status", "conditions"))
        .map((item) => `${at(item, "type")}=${at(item, "status")} ${at(item, "reason")}`)
        .toSorted(),
    ).toEqual(["Available=True MinimumReplicasAvailable", "Progressing=True NewReplicaSetAvailable"]);
    // Undo: the old template becomes revision 3.
    await cluster.api.patch(DEPLOYMENTS, "default", "web", {
      spec: { template: deployment(3)["spec"] === undefined ? {} : at(deployment(3), "spec", "template") },
    });
    expect((await rolledOut()).metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
    const history = (await cluster.listOf(REPLICA_SETS)).map(
      (set) => set.metadata.annotations?.["deployment.kubernetes.io/revision-history"],
    );
    expect(history).toContain("1");
  });

  test("scales up and down", async () => {
    await cluster.api.create(DEPLOYMENTS, deployment(1));
    await rolledOut();
    for (const replicas of [4, 2, 0]) {
      await cluster.api.patch(DEPLOYMENTS, "default", "web", { spec: { replicas } });
      await rolledOut();
      await until(`${replicas} pods`, async () => (await cluster.listOf(PODS)).length === replicas);
    }
    const events = await cluster.api.list({ group: "", version: "v1", resource: "events" }, { namespace: "default" });
    expect(
      events
        .map((event) => `${text(event["reason"])}: ${text(event["message"])}`)
        .filter((event) => event.startsWith("ScalingReplicaSet: Scaled down")),
    ).toHaveLength(2);
  });

  test("a paused one doesn't roll", async () => {
    await cluster.api.create(DEPLOYMENTS, deployment(1));
    await rolledOut();
    await cluster.api.patch(DEPLOYMENTS, "default", "web", {
      spec: { paused: true, template: { spec: { containers: [{ name: "c", image: "a:9" }] } } },
    });
    await until("the condition", async () => {
      const web = await cluster.api.get(DEPLOYMENTS, "default", "web");
      return list(at(web, "status", "conditions")).some((item) => at(item, "reason") === "DeploymentPaused");
    });
    expect(await cluster.listOf(REPLICA_SETS)).toHaveLength(1);
    await cluster.api.patch(DEPLOYMENTS, "default", "web", { spec: { paused: false } });
    await rolledOut();
    expect(await cluster.listOf(REPLICA_SETS)).toHaveLength(2);
  });

  test("Recreate starts the new pod after the old one has ended", async () => {
    const recreate = {
      ...deployment(1),
      spec: { ...(deployment(1)["spec"] as object), strategy: { type: "Recreate" } },
    };
    await cluster.api.create(DEPLOYMENTS, recreate);
    await rolledOut();
    await cluster.api.patch(DEPLOYMENTS, "default", "web", {
      spec: { template: { spec: { containers: [{ name: "c", image: "a:2" }] } } },
    });
    await until("deletion", async () =>
      (await cluster.listOf(PODS)).some((pod) => pod.metadata.deletionTimestamp !== undefined),
    );
    expect(await cluster.listOf(PODS)).toHaveLength(1);
    await rolledOut();
  });
});

describe("deletion", () => {
  test("background: dependents follow", async () => {
    await cluster.api.create(DEPLOYMENTS, deployment(2));
    await rolledOut();
    await cluster.api.delete(DEPLOYMENTS, "default", "web");
    await until("nothing left", async () => {
      await cluster.runPods();
      return (await cluster.listOf(REPLICA_SETS)).length + (await cluster.listOf(PODS)).length === 0;
    });
  });

  test("foreground: the owner goes last", async () => {
    await cluster.api.create(DEPLOYMENTS, deployment(1));
    await rolledOut();
    await cluster.api.delete(DEPLOYMENTS, "default", "web", { propagationPolicy: "Foreground" });
    await until("the pod is told to end", async () =>
      (await cluster.listOf(PODS)).some((pod) => pod.metadata.deletionTimestamp !== undefined),
    );
    expect(await cluster.listOf(DEPLOYMENTS)).toHaveLength(1);
    await until("all gone", async () => {
      await cluster.runPods();
      return (
        (await cluster.listOf(DEPLOYMENTS)).length +
          (await cluster.listOf(REPLICA_SETS)).length +
          (await cluster.listOf(PODS)).length ===
        0
      );
    });
  });

  test("orphan: dependents stay and can be adopted again", async () => {
    await cluster.api.create(DEPLOYMENTS, deployment(1));
    await rolledOut();
    await cluster.api.delete(DEPLOYMENTS, "default", "web", { propagationPolicy: "Orphan" });
    await until("gone", async () => (await cluster.listOf(DEPLOYMENTS)).length === 0);
    const [orphan] = await cluster.listOf(REPLICA_SETS);
    expect(orphan?.metadata.ownerReferences ?? []).toEqual([]);
    const uid = (await cluster.api.create(DEPLOYMENTS, deployment(1))).metadata.uid;
    await until(
      "adoption",
      async () => (await cluster.listOf(REPLICA_SETS))[0]?.metadata.ownerReferences?.[0]?.uid === uid,
    );
    expect(await cluster.listOf(PODS)).toHaveLength(1);
  });

  test("a namespace goes with all that is in it", async () => {
    await cluster.api.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    await until(
      "defaults",
      async () =>
        (await cluster.api.list(CONFIG_MAPS, { namespace: "shop" })).length === 1 &&
        (await cluster.api.list(SERVICE_ACCOUNTS, { namespace: "shop" })).length === 1,
    );
    await cluster.api.create(DEPLOYMENTS, { ...deployment(1), metadata: { name: "web", namespace: "shop" } });
    await until("a pod", async () => (await cluster.api.list(PODS, { namespace: "shop" })).length === 1);
    await cluster.api.delete(NAMESPACES, undefined, "shop");
    await until("gone", async () => {
      await cluster.runPods();
      return !(await cluster.api.list(NAMESPACES)).some((namespace) => namespace.metadata.name === "shop");
    });
    expect(await cluster.api.list(CONFIG_MAPS, { namespace: "shop" })).toEqual([]);
  });
});

describe("Service", () => {
  test("its slices and Endpoints follow the pods", async () => {
    await cluster.api.create(SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
    });
    await cluster.api.create(DEPLOYMENTS, deployment(2));
    await rolledOut();
    const slice = await until("two endpoints", async () =>
      (await cluster.listOf(SLICES, "kubernetes.io/service-name=web")).find(
        (found) => list(found["endpoints"]).length === 2,
      ),
    );
    expect(slice["ports"]).toMatchObject([{ name: "http", port: 8080, protocol: "TCP" }]);
    expect(list(slice["endpoints"]).every((endpoint) => at(endpoint, "conditions", "ready") === true)).toBe(true);
    await until(
      "Endpoints",
      async () =>
        list(at(list((await cluster.api.get(ENDPOINTS, "default", "web"))["subsets"])[0], "addresses")).length === 2,
    );
    const [pod] = await cluster.listOf(PODS);
    await cluster.api.delete(PODS, "default", pod?.metadata.name ?? "");
    await until("terminating", async () => {
      const [found] = await cluster.listOf(SLICES, "kubernetes.io/service-name=web");
      return list(found?.["endpoints"]).some(
        (endpoint) =>
          at(endpoint, "conditions", "terminating") === true &&
          at(endpoint, "conditions", "ready") === false &&
          at(endpoint, "conditions", "serving") === true,
      );
    });
    await cluster.api.delete(SERVICES, "default", "web");
    await until("no slice", async () => (await cluster.listOf(SLICES, "kubernetes.io/service-name=web")).length === 0);
    await until(
      "no Endpoints",
      async () => !(await cluster.listOf(ENDPOINTS)).some(({ metadata }) => metadata.name === "web"),
    );
  });
});
