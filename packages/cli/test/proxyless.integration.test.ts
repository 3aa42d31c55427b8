/** A pod whose gRPC library is in the mesh itself (template `grpc-agent`), beside a pod with a sidecar. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { KubeObject } from "@heddle/kube-client";
import { waitForPods } from "../src/demo/wait.ts";
import { podGet } from "../src/pod-http.ts";
import {
  echoPod,
  eventually,
  injectedNamespace,
  type MeshCluster,
  NAMESPACE,
  startMeshCluster,
  strict,
} from "./mesh-cluster.ts";

setDefaultTimeout(60_000);
let mesh: MeshCluster;

/** As echoPod, with the program that speaks gRPC. `security` is the pod's. */
function grpcPod(name: string, annotations: Readonly<Record<string, string>>, security: object): readonly KubeObject[] {
  return echoPod(name, annotations).map((object) => {
    if (object.kind !== "Pod") return object;
    const container = {
      name: "app",
      image: "debian",
      command: ["/opt/heddle/bun", "/opt/heddle/repo/packages/cli/test/grpc-pod.ts"],
      env: [{ name: "ECHO_NAME", value: name }],
      readinessProbe: { httpGet: { path: "/health", port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 },
    };
    const spec = { serviceAccountName: name, terminationGracePeriodSeconds: 1, securityContext: security };
    return { ...object, spec: { ...spec, containers: [container] } } as KubeObject;
  });
}

const istio = (kind: string, spec: object): KubeObject =>
  ({
    apiVersion: "networking.istio.io/v1",
    kind,
    metadata: { name: "grpc-server", namespace: NAMESPACE },
    spec: { ...spec },
  }) as KubeObject;

const SERVER = `xds:///grpc-server.${NAMESPACE}.svc.cluster.local:8081`;

interface Answer {
  readonly code: number;
  readonly text: string;
}

const call = (target: string, user = "") =>
  mesh.ask<Answer>("grpc-client", `/call?target=${encodeURIComponent(target)}&user=${user}`);

beforeAll(async () => {
  mesh = await startMeshCluster("test-proxyless");
  await mesh.kube.applyObjects([
    injectedNamespace,
    strict,
    istio("DestinationRule", { host: "grpc-server", trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } }),
    ...grpcPod("grpc-server", {}, {}),
    // Its user is not the agent's: certificates and socket must be within its reach.
    ...grpcPod("grpc-client", { "inject.istio.io/templates": "grpc-agent" }, { runAsUser: 1000, runAsGroup: 1000 }),
  ]);
  await waitForPods(mesh.kube, NAMESPACE, 2, 90_000, () => undefined);
}, 180_000);

afterAll(async () => {
  await mesh?.close();
}, 60_000);

test("it calls a server behind a sidecar in STRICT mode by an xds:/// name, under its own identity", async () => {
  expect(await mesh.ask<unknown>("grpc-client", "/user")).toEqual({ user: 1000 });
  let last: Answer | undefined;
  const answer = await eventually(
    "an answer",
    async () => {
      last = await call(SERVER);
      if (last.code !== 0) throw new Error(JSON.stringify(last));
      return last;
    },
    40_000,
  );
  expect(JSON.parse(answer.text)).toMatchObject({
    name: "grpc-server",
    caller: expect.stringContaining(`URI=spiffe://cluster.local/ns/${NAMESPACE}/sa/grpc-client`),
  });
});

test("a VirtualService acts inside of the application", async () => {
  const abort = { grpcStatus: "NOT_FOUND", percentage: { value: 100 } };
  const route = [{ destination: { host: "grpc-server" } }];
  const http = [{ match: [{ headers: { user: { exact: "canary" } } }], fault: { abort }, route }, { route }];
  await mesh.kube.applyObjects([istio("VirtualService", { hosts: ["grpc-server"], http })]);
  await eventually("the fault", async () => (await call(SERVER, "canary")).code === 5, 30_000);
  expect((await call(SERVER)).code).toBe(0);
});

test("the agent counts the application's stream", async () => {
  expect(await podGet(mesh.kube, NAMESPACE, "grpc-client", 15020, "/stats/prometheus")).toContain(
    "istio_agent_num_xds_streams 1",
  );
});
