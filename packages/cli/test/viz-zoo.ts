import type { KubeClient, KubeObject } from "@heddle/kube-client";

/** A namespace with a pod of each kind of owner, without proxies: what `viz stat` must know how to count pods by. */
export const ZOO = "zoo";

const pod = (app: string) => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "idle", image: "debian", command: ["/bin/sleep", "3600"] }],
  },
});

const object = (apiVersion: string, kind: string, name: string, spec: object): KubeObject =>
  ({ apiVersion, kind, metadata: { name, namespace: ZOO }, spec }) as KubeObject;

export async function openZoo(kube: KubeClient): Promise<void> {
  const selector = (app: string) => ({ selector: { matchLabels: { app } }, template: pod(app) });
  const job = (app: string) => ({ template: { ...pod(app), spec: { ...pod(app).spec, restartPolicy: "Never" } } });
  await kube.applyObjects([
    { apiVersion: "v1", kind: "Namespace", metadata: { name: ZOO } },
    object("apps/v1", "StatefulSet", "db", { serviceName: "db", replicas: 2, ...selector("db") }),
    object("apps/v1", "DaemonSet", "agent", selector("agent")),
    object("apps/v1", "ReplicaSet", "bare", { replicas: 1, ...selector("bare") }),
    object("batch/v1", "Job", "once", job("once")),
    object("batch/v1", "CronJob", "nightly", {
      schedule: "* * * * *",
      suspend: true,
      jobTemplate: { spec: job("nightly") },
    }),
    object("v1", "ReplicationController", "old", { replicas: 1, selector: { app: "old" }, template: pod("old") }),
  ]);
  // What a controller of each would do: no minute is waited for, and the cluster has none for the oldest kind.
  const owned = async (kind: string, apiVersion: string, name: string, child: KubeObject): Promise<void> => {
    const { metadata } = await kube.get({ apiVersion, kind, namespace: ZOO, name });
    const owner = { apiVersion, kind, name, uid: metadata.uid ?? "", controller: true };
    await kube.create({ ...child, metadata: { ...child.metadata, namespace: ZOO, ownerReferences: [owner] } });
  };
  await owned("CronJob", "batch/v1", "nightly", object("batch/v1", "Job", "nightly-29000000", job("nightly")));
  const { metadata, spec } = pod("old");
  await owned("ReplicationController", "v1", "old", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, name: "old-x7x7x" },
    spec,
  } as KubeObject);
}
