import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, textOf } from "@heddle/std";
import { waitForPods } from "../../src/demo/wait.ts";
import { gatewayOptions } from "../../src/install/gateway-options.ts";
import { podGet } from "../../src/pod-http.ts";
import { root } from "../heddle-process.ts";
import { installMesh, startTestCluster } from "../test-cluster.ts";
import { type Answer, type Call, callFrom } from "../traffic/call.ts";
import { objectsIn } from "../traffic/rig.ts";

const READY_MS = 100_000;
const NAMESPACE = "default";

/** A cluster with the demo profile, Istio's samples in namespace `default`, and what tasks do with it. */
export interface TasksCluster {
  readonly kube: KubeClient;
  /** Applies a file of `samples/` or YAML text; all of it goes again with `undo`. */
  apply(...sources: readonly string[]): Promise<void>;
  /** Takes back what `apply` put since the last `undo`. */
  undo(): Promise<void>;
  /** Sends requests from the pod `caller`, one after the other unless `parallel`. */
  call(call: Call, times?: number, parallel?: boolean): Promise<readonly Answer[]>;
  /** Port on 127.0.0.1 that leads to a port of the ingress gateway. */
  ingress(portName: "http2" | "https" | "tcp"): number;
  /** The first pod with this `app` (and `version`). */
  pod(app: string, version?: string, namespace?: string): Promise<string>;
  /** Answer of a port of a pod's loopback: 15000 the proxy's admin interface, 15020 metrics. */
  ask(pod: string, port: number, path: string, method?: "GET" | "POST", namespace?: string): Promise<string>;
  /** Requests that a workload's proxy reports, by labels of `istio_requests_total`. */
  requests(pod: string, labels: Readonly<Record<string, string>>, namespace?: string): Promise<number>;
  close(): Promise<void>;
}

/** @param pods How many pods `objects` and `files` make in namespace `default`. */
export function startTasks(
  name: string,
  files: readonly string[],
  objects: readonly KubeObject[],
  pods: number,
): Promise<TasksCluster> {
  return startTestCluster(name, async (cluster, kube) => {
    const meshConfig = { defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" } } };
    await installMesh(kube, { options: { gateways: gatewayOptions("demo", {}, {}), meshConfig }, pods: 3 });
    const labels = { "istio-injection": "enabled" };
    const injected: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE, labels } };
    await kube.applyObjects([injected, ...files.flatMap(objectsOf), ...objects]);
    await waitForPods(kube, NAMESPACE, pods, READY_MS, () => undefined);
    // The node ports of this machine may be another cluster's.
    const gateway = await addressOf(kube, "istio-ingressgateway", "istio-system");
    const ports = new Map<string, number>();
    for (const [name, port] of Object.entries({ http2: 8080, https: 8443, tcp: 31400 }))
      ports.set(name, (await cluster.forward(gateway, port, 0)).port);
    const caller = await cluster.forward(await addressOf(kube, "caller"), 8090, 0);
    return taskActions(kube, ports, caller.port, () => cluster.close());
  });
}

function objectsOf(source: string): readonly KubeObject[] {
  const text = source.includes("\n") ? source : readFileSync(join(root, "samples", source), "utf8");
  return objectsIn(text).map((object) =>
    object.kind === "Namespace"
      ? object
      : { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? NAMESPACE } },
  );
}

async function addressOf(kube: KubeClient, app: string, namespace = NAMESPACE): Promise<string> {
  const { items } = await kube.list({ apiVersion: "v1", kind: "Pod", namespace }, { labelSelector: `app=${app}` });
  return textOf(at(items[0], "status", "podIP"));
}

function taskActions(
  kube: KubeClient,
  ports: ReadonlyMap<string, number>,
  callerPort: number,
  close: () => Promise<void>,
): TasksCluster {
  let applied: KubeObject[] = [];
  const ask: TasksCluster["ask"] = (pod, port, path, method = "GET", namespace = NAMESPACE) =>
    podGet(kube, namespace, pod, port, path, method);
  return {
    kube,
    ask,
    close,
    ingress: (portName) => ports.get(portName) ?? 0,
    async apply(...sources) {
      const objects = sources.flatMap(objectsOf);
      applied.push(...objects);
      await kube.applyObjects(objects);
    },
    async undo() {
      const done = new Set<string>();
      for (const { apiVersion, kind, metadata } of applied) {
        const key = `${kind} ${metadata.namespace}/${metadata.name}`;
        if (done.has(key)) continue;
        done.add(key);
        const { name, namespace = NAMESPACE } = metadata;
        await kube.delete({ apiVersion, kind, name, namespace });
      }
      applied = [];
    },
    call: (call, times, parallel) => callFrom(`http://127.0.0.1:${callerPort}`, call, times, parallel),
    async pod(app, version, namespace = NAMESPACE) {
      const labelSelector = `app=${app}${version === undefined ? "" : `,version=${version}`}`;
      const { items } = await kube.list({ apiVersion: "v1", kind: "Pod", namespace }, { labelSelector });
      const [first] = items;
      if (first === undefined) throw new Error(`no pod with ${labelSelector} in ${namespace}`);
      return first.metadata.name;
    },
    async requests(pod, labels, namespace) {
      const text = await ask(pod, 15020, "/stats/prometheus", "GET", namespace);
      const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
      const lines = text
        .split("\n")
        .filter((line) => line.startsWith("istio_requests_total{") && wanted.every((one) => line.includes(one)));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
  };
}

/** One of Istio's tasks: applies what its page applies and sees what its page says. */
export interface Task {
  readonly name: string;
  run(cluster: TasksCluster): Promise<void>;
}
