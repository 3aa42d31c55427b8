import { randomBytes } from "node:crypto";
import { createNullLogger, createSystemClock } from "@heddle/std";
import { type ApiServer, createApiServer, createClusterPki } from "../src/api/index.ts";
import { at, text } from "../src/api/json/json-value.ts";
import type { ClusterApi, ClusterNetworkPlan, KubeObject, ResourceId } from "../src/contract/index.ts";
import { createControllers } from "../src/controllers/index.ts";
import { NODES, PODS } from "../src/controllers/resource-ids.ts";

const NETWORK: ClusterNetworkPlan = {
  nodeName: "node",
  nodeIp: "10.40.255.1",
  externalIp: "198.18.0.1",
  flat: false,
  podCidr: "10.40.0.0/16",
  serviceCidr: "10.140.0.0/16",
  apiServiceIp: "10.140.0.1",
  dnsServiceIp: "10.140.0.10",
  clusterDomain: "cluster.local",
  apiPort: 6443,
  nodePortRange: [30000, 32767],
  firstAutomaticNodePort: 31384,
};
const NODE: KubeObject = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node" },
  spec: {},
  status: { allocatable: { cpu: "2", memory: "4Gi", pods: "110" } },
};

const pki = await createClusterPki({ now: Date.now(), randomBytes, network: NETWORK });

/** API server and controllers without network, node agent and processes. */
export interface InProcessCluster {
  readonly api: ClusterApi;
  listOf(resource: ResourceId, labelSelector?: string): Promise<readonly KubeObject[]>;
  /** Plays the kubelet once: pods that have a node run and are ready (or end in `phase`); deleted ones go. */
  runPods(phase?: "Running" | "Succeeded" | "Failed"): Promise<void>;
  close(): Promise<void>;
}

export async function startInProcessCluster(): Promise<InProcessCluster> {
  const log = { info() {}, warn() {}, error() {} };
  const server: ApiServer = await createApiServer({ now: Date.now, randomBytes, network: NETWORK, pki, log });
  const { api } = server;
  const controllers = createControllers({
    api,
    clock: createSystemClock(),
    random: Math.random,
    log: createNullLogger(),
    clusterCa: "PEM",
  });
  await api.create(NODES, NODE);
  await controllers.start();
  return {
    api,
    listOf: (resource, labelSelector) =>
      api.list(resource, { namespace: "default", ...(labelSelector !== undefined && { labelSelector }) }),
    async runPods(phase = "Running") {
      for (const pod of await api.list(PODS)) {
        if (pod.metadata.deletionTimestamp !== undefined) {
          await api.delete(PODS, pod.metadata.namespace, pod.metadata.name, { gracePeriodSeconds: 0 });
        } else if (at(pod, "status", "podIP") === undefined && text(at(pod, "spec", "nodeName")) !== "") {
          const now = new Date().toISOString();
          const status = {
            phase,
            podIP: `10.40.0.${Math.floor(Math.random() * 200) + 2}`,
            conditions: [{ type: "Ready", status: phase === "Running" ? "True" : "False", lastTransitionTime: now }],
          };
          await api.patch(PODS, pod.metadata.namespace, pod.metadata.name, { status }, "status");
        }
      }
    },
    async close() {
      await controllers.close();
      await server.close();
    },
  };
}

/** Looks every 2 ms. Errors: rejects after 15 s. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + 15_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`not within 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
