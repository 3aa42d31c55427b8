/** Every protocol in the real mesh: real interception, real discovery, pods with and without a sidecar, declared and undeclared ports. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { KubeObject } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { waitForPods } from "../src/demo/wait.ts";
import {
  eventually,
  injectedNamespace,
  type MeshCluster,
  NAMESPACE,
  startMeshCluster,
  strict,
} from "./mesh-cluster.ts";

setDefaultTimeout(60_000);
let mesh: MeshCluster;

/** Ports of the test pods' Services: name, number, target, protocol that is spoken there. */
const PORTS = [
  ["http", 80, 8080, "http"],
  ["http-ws", 82, 8080, "websocket"],
  ["grpc", 81, 8081, "grpc"],
  ["tcp-echo", 9000, 9000, "echo"],
  ["tcp-greet", 9001, 9001, "greeting"],
  ["tls", 9443, 9443, "tls"],
  // Names that say nothing of a protocol.
  ["alpha", 8180, 8080, "http"],
  ["beta", 8181, 8081, "grpc"],
  ["gamma", 8190, 9000, "echo"],
  ["delta", 8191, 9001, "greeting"],
  ["epsilon", 8443, 9443, "tls"],
  ["zeta", 8182, 8080, "websocket"],
] as const;

function pod(name: string, meshed: boolean): readonly KubeObject[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: NAMESPACE },
      spec: {
        selector: { app: name },
        ports: PORTS.map(([portName, port, targetPort]) => ({ name: portName, port, targetPort })),
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: NAMESPACE,
        labels: { app: name, "sidecar.istio.io/inject": String(meshed) },
      },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "app",
            image: "debian",
            command: ["/opt/heddle/bun", "/opt/heddle/repo/packages/proxy/test/rig/protocol-pod.ts"],
            startupProbe: { tcpSocket: { port: 9000 }, periodSeconds: 1, failureThreshold: 60 },
            readinessProbe: { grpc: { port: 8081 }, periodSeconds: 1, timeoutSeconds: 10 },
            livenessProbe: {
              httpGet: { path: "/live", port: 8080 },
              periodSeconds: 1,
              timeoutSeconds: 10,
              failureThreshold: 20,
            },
          },
        ],
      },
    },
  ];
}

beforeAll(async () => {
  mesh = await startMeshCluster("test-protocols");
  await mesh.kube.applyObjects([
    injectedNamespace,
    ...pod("caller", true),
    ...pod("server", true),
    ...pod("outsider", false),
  ]);
  await waitForPods(mesh.kube, NAMESPACE, 3, 60_000, () => undefined);
}, 150_000);

afterAll(async () => {
  await mesh?.close();
}, 60_000);

const check = async (from: string, to: string, kind: string, port: number): Promise<string> =>
  // With its namespace: the bare name of a pod is its own address to itself, as on any Kubernetes.
  (await mesh.ask<{ result: string }>(from, `/check?kind=${kind}&host=${to}.${NAMESPACE}&port=${port}`)).result;

/** All ports at once; gives what failed. */
async function failures(from: string, to: string): Promise<string[]> {
  const results = await Promise.all(
    PORTS.map(async ([name, port, , kind]) => `${name}: ${await check(from, to, kind, port)}`),
  );
  return results.filter((result) => !result.endsWith(": ok"));
}

/** The configuration may still be arriving. */
async function allPass(from: string, to: string): Promise<void> {
  await eventually("all protocols", async () => {
    const failed = await failures(from, to);
    if (failed.length > 0) throw new Error(failed.join("; "));
    return true;
  });
}

describe.each([
  ["meshed to meshed", "caller", "server"],
  ["meshed to itself", "caller", "caller"],
  ["without a sidecar to meshed (PERMISSIVE)", "outsider", "server"],
  ["meshed to without a sidecar", "caller", "outsider"],
])("%s", (_title, from, to) => {
  test("HTTP/1.1, WebSocket, gRPC, TCP, server-first and TLS, on declared and undeclared ports", async () => {
    await allPass(from, to);
  });
});

describe("STRICT", () => {
  test("callers without a sidecar are refused on every port; meshed ones and the probes go on", async () => {
    await mesh.kube.applyObjects([strict]);
    await eventually(
      "refusal on all ports",
      async () => (await failures("outsider", "server")).length === PORTS.length,
    );
    await allPass("caller", "server");
    // Three rounds of each probe: TCP at the start, gRPC for readiness, HTTP for liveness.
    await Bun.sleep(3000);
    const pods = await mesh.kube.list({ apiVersion: "v1", kind: "Pod", namespace: NAMESPACE });
    for (const one of pods.items) {
      const ready = listOf(at(one, "status", "conditions")).find((c) => textOf(at(c, "type")) === "Ready");
      expect(`${one.metadata.name}: ${textOf(at(ready, "status"))}`).toBe(`${one.metadata.name}: True`);
      for (const status of listOf(at(one, "status", "containerStatuses"))) expect(at(status, "restartCount")).toBe(0);
    }
  });

  test("a pod that starts under STRICT becomes ready through all three kinds of probes", async () => {
    await mesh.kube.applyObjects(pod("late", true));
    await waitForPods(mesh.kube, NAMESPACE, 4, 40_000, () => undefined);
    await allPass("caller", "late");
  });
});
