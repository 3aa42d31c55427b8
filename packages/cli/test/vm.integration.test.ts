import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "@heddle/kube-client";
import { at, listOf, recordOf } from "@heddle/std";
import { waitForPods } from "../src/demo/wait.ts";
import { podGet } from "../src/pod-http.ts";
import { runCommandLine } from "../src/program.ts";
import {
  echoPod,
  eventually,
  injectedNamespace,
  type MeshCluster,
  NAMESPACE,
  startMeshCluster,
  strict,
} from "./mesh-cluster.ts";

let mesh: MeshCluster;
const folder = mkdtempSync(join(tmpdir(), "heddle-vm-"));

/** A network namespace with an application, beside the cluster: no sidecar is injected, the files are all that it gets of the mesh. */
function host(files: Readonly<Record<string, string>>): readonly KubeObject[] {
  const [echo] = listOf(at(echoPod("vm").at(-1), "spec", "containers"));
  const start = "cp -r /files /tmp/vm && cat /tmp/vm/hosts >> /etc/hosts && exec heddle proxy vm --dir /tmp/vm";
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "outside" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "files", namespace: "outside" }, stringData: files },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "vm", namespace: "outside" },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          { ...recordOf(echo), readinessProbe: undefined, livenessProbe: undefined },
          {
            name: "proxy",
            image: "heddle/heddle:0.1.0",
            command: ["sh", "-c", start],
            env: [
              { name: "SECRET_TTL", value: "60s" },
              { name: "SECRET_GRACE_PERIOD_RATIO", value: "0.9" },
            ],
            securityContext: { runAsUser: 0, capabilities: { add: ["NET_ADMIN", "NET_RAW"] } },
            volumeMounts: [{ name: "files", mountPath: "/files" }],
          },
        ],
        volumes: [{ name: "files", secret: { secretName: "files" } }],
      },
    },
  ];
}

const group: KubeObject = {
  apiVersion: "networking.istio.io/v1",
  kind: "WorkloadGroup",
  metadata: { name: "vm", namespace: NAMESPACE },
  spec: {
    metadata: { labels: { app: "vm" } },
    template: { serviceAccount: "vm", ports: { http: 8080 } },
    probe: { httpGet: { path: "/health", port: 8080 }, periodSeconds: 1 },
  },
};

beforeAll(async () => {
  mesh = await startMeshCluster("test-vm");
  const vm = echoPod("vm").filter(({ kind }) => kind !== "Pod");
  await mesh.kube.applyObjects([injectedNamespace, strict, group, ...vm, ...echoPod("server")]);
  await waitForPods(mesh.kube, NAMESPACE, 1, 90_000, () => undefined);
  const kubeconfig = mesh.cluster.kubeconfig;
  const argv = ["experimental", "workload", "entry", "configure", "--name", "vm", "-n", NAMESPACE, "-o", folder];
  expect(await runCommandLine([...argv, "--autoregister", "--kubeconfig", kubeconfig], process.env)).toBe(0);
  const files = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  expect(Object.keys(files).sort()).toEqual(["cluster.env", "hosts", "istio-token", "mesh.yaml", "root-cert.pem"]);
  await mesh.kube.applyObjects(host(files));
}, 180_000);

afterAll(async () => {
  await mesh?.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const entries = async () =>
  (
    await mesh.kube.list({
      group: "networking.istio.io",
      version: "v1",
      resource: "workloadentries",
      namespace: NAMESPACE,
    })
  ).items;

/** The host's WorkloadEntry, once its condition `Healthy` has this status. */
async function entryWhose(healthy: "True" | "False"): Promise<KubeObject | undefined> {
  const [found] = await entries();
  const condition = listOf(at(found, "status", "conditions")).find((one) => at(one, "type") === "Healthy");
  return at(condition, "status") === healthy ? found : undefined;
}

interface Called {
  readonly status: number;
  readonly body: string;
}
const callerSeen = (called: Called) =>
  /URI=(\S+?)(?:;|"|\\|$)/.exec(called.body.slice(called.body.indexOf("x-forwarded-client-cert")))?.[1] ?? called.body;

/** How many certificates the host has got so far. */
async function issued(): Promise<number> {
  const log = await mesh.kube.request("GET", "/api/v1/namespaces/outside/pods/vm/log?container=proxy");
  return ((await log.text()).match(/certificate issued/g) ?? []).length;
}

test("a host outside of the cluster registers itself, is looked after, calls and is called with its own identity", async () => {
  const entry = await eventually("the WorkloadEntry is healthy", () => entryWhose("True"));
  // From now on its token is no good any more: certificates vouch for their successors.
  const spoil = ["sh", "-c", "echo expired > /tmp/vm/istio-token"];
  const spoilt = await mesh.kube.exec("outside", "vm", spoil, { container: "proxy" });
  expect(await spoilt.done).toEqual({ exitCode: 0 });
  const withToken = await issued();
  const pod = await mesh.kube.get({ apiVersion: "v1", kind: "Pod", name: "vm", namespace: "outside" });
  const ip = String(at(pod, "status", "podIP"));
  expect(entry?.metadata.name).toBe(`vm-${ip}`);
  expect(at(entry, "spec")).toMatchObject({ address: ip, serviceAccount: "vm", labels: { app: "vm" } });
  expect(entry?.metadata.annotations).toMatchObject({ "istio.io/autoRegistrationGroup": "vm" });

  const inward = await eventually("a pod calls the host", async () => {
    const called = await mesh.ask<Called>("server", "/call?url=http://vm:8080/echo");
    return called.status === 200 ? called : undefined;
  });
  expect(callerSeen(inward)).toEndWith("/ns/duo/sa/server");

  // Short name, from a host that has no search path into the namespace: the mesh's DNS knows it.
  for (const name of ["server.duo", "server.duo.svc.cluster.local"]) {
    const outward = await eventually(`the host calls ${name}`, async () => {
      const path = `/call?url=http://${name}:8080/echo`;
      const called = JSON.parse(await podGet(mesh.kube, "outside", "vm", 8080, path)) as Called;
      return called.status === 200 ? called : undefined;
    });
    expect(callerSeen(outward)).toEndWith("/ns/duo/sa/vm");
  }

  const called = () => mesh.ask<Called>("server", "/call?url=http://vm:8080/echo");
  await podGet(mesh.kube, "outside", "vm", 8080, "/ill?now=true");
  await eventually("the WorkloadEntry is unhealthy", () => entryWhose("False"));
  await eventually("nobody is sent to an unhealthy host", async () => (await called()).status === 503);
  await podGet(mesh.kube, "outside", "vm", 8080, "/ill?now=false");
  await eventually("the WorkloadEntry is healthy again", () => entryWhose("True"));
  await eventually("the host is called again", async () => (await called()).status === 200);

  // One may have been under way when the token was spoilt.
  await eventually("the certificate is renewed without a token", async () => (await issued()) >= withToken + 2);
  await mesh.kube.delete({ apiVersion: "v1", kind: "Pod", name: "vm", namespace: "outside" });
  await eventually("the WorkloadEntry goes with its workload", async () => (await entries()).length === 0);
}, 150_000);
