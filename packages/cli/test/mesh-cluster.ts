import type { KubeClient, KubeObject } from "@heddle/kube-client";
import type { RunningCluster } from "@heddle/local-cluster";
import { podGet } from "../src/pod-http.ts";
import { installMesh, startTestCluster } from "./test-cluster.ts";

/** An embedded cluster with the mesh in it, for one test file. */
export interface MeshCluster {
  readonly cluster: RunningCluster;
  readonly kube: KubeClient;
  /** Asks the program of a test pod (echo-pod.ts) on its own loopback; JSON. */
  ask<T>(pod: string, path: string): Promise<T>;
  close(): Promise<void>;
}

export const NAMESPACE = "duo";

/** `before` is applied ahead of the mesh, such as a `cacerts` Secret. */
export function startMeshCluster(name: string, before: readonly KubeObject[] = []): Promise<MeshCluster> {
  return startTestCluster(name, async (cluster, kube) => {
    await installMesh(kube, { before });
    const ask = async <T>(pod: string, path: string) => JSON.parse(await podGet(kube, NAMESPACE, pod, 8080, path)) as T;
    return { cluster, kube, ask, close: () => cluster.close() };
  });
}

/** A meshed pod that runs echo-pod.ts, its account and its Service. `annotations` choose the data plane and so on. */
export function echoPod(name: string, annotations: Readonly<Record<string, string>> = {}): readonly KubeObject[] {
  const port = (number: number, portName: string) => ({ name: portName, port: number, targetPort: number });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: NAMESPACE } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: NAMESPACE },
      spec: {
        selector: { app: name },
        ports: [port(8080, "http"), port(8081, "grpc"), port(9000, "tcp-echo"), port(9001, "tcp-banner")],
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: NAMESPACE, labels: { app: name }, annotations },
      spec: {
        serviceAccountName: name,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "echo",
            image: "debian",
            command: ["/opt/heddle/bun", "/opt/heddle/repo/packages/cli/test/echo-pod.ts"],
            env: [{ name: "ECHO_NAME", value: name }],
            // Patient: a busy machine must not cost the application its life.
            readinessProbe: { httpGet: { path: "/health", port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 },
            livenessProbe: { tcpSocket: { port: 9000 }, periodSeconds: 5, timeoutSeconds: 20, failureThreshold: 10 },
          },
        ],
      },
    },
  ];
}

export const injectedNamespace: KubeObject = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: NAMESPACE, labels: { "istio-injection": "enabled" } },
};

export const strict: KubeObject = {
  apiVersion: "security.istio.io/v1",
  kind: "PeerAuthentication",
  metadata: { name: "default", namespace: NAMESPACE },
  spec: { mtls: { mode: "STRICT" } },
};

/** Waits until `look` gives a value. Errors: what was waited for, and the last error. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = 90_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last = "";
  for (;;) {
    const found = await look().catch((error: unknown) => {
      last = String(error);
      return undefined;
    });
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s; ${last}`);
    await Bun.sleep(250);
  }
}
