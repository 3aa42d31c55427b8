import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createKubeClient, type KubeClient, type KubeObject } from "@heddle/kube-client";
import { startCluster } from "@heddle/local-cluster";
import { at, textOf } from "@heddle/std";
import { waitForPods } from "../../src/demo/wait.ts";
import { gatewayOptions } from "../../src/install/gateway-options.ts";
import { controlPlaneManifests, crdManifests } from "../../src/install/manifests.ts";
import { defaultInstallOptions } from "../../src/install/options.ts";
import { podGet } from "../../src/pod-http.ts";
import { root } from "../heddle-process.ts";
import type { Answer, Call } from "../traffic/call.ts";
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
export async function startTasks(
  name: string,
  files: readonly string[],
  objects: readonly KubeObject[],
  pods: number,
): Promise<TasksCluster> {
  const cluster = await startCluster({
    name,
    env: process.env,
    uid: process.getuid?.() ?? 0,
    onWarning: (sentence) => console.log(sentence),
  });
  try {
    const kube = await createKubeClient({ kubeconfig: cluster.kubeconfig, env: process.env });
    const install = {
      ...defaultInstallOptions("0.1.0", "istio-system"),
      gateways: gatewayOptions("demo", {}, {}),
      meshConfig: { defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" } } },
    };
    await kube.applyObjects([...crdManifests(), ...controlPlaneManifests(install)] as readonly KubeObject[]);
    await waitForPods(kube, "istio-system", 3, READY_MS, () => undefined);
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
  } catch (error) {
    await cluster.close();
    throw error;
  }
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
    async call(call, times = 1, parallel = false) {
      const body = JSON.stringify({ call, times, parallel });
      const signal = AbortSignal.timeout(60_000);
      const response = await fetch(`http://127.0.0.1:${callerPort}/calls`, { method: "POST", body, signal });
      if (response.status !== 200) throw new Error(`the caller answered ${response.status}: ${await response.text()}`);
      return (await response.json()) as readonly Answer[];
    },
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

/** Configuration reaches proxies within this; what is looked at is repeated until it holds. Units: ms. */
const CONVERGED_MS = 20_000;

/** Repeats until it holds. Errors: what was wrong the last time. */
export async function settles(look: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + CONVERGED_MS;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(150);
    }
  }
}

/** One of Istio's tasks: applies what its page applies and sees what its page says. */
export interface Task {
  readonly name: string;
  run(cluster: TasksCluster): Promise<void>;
}
