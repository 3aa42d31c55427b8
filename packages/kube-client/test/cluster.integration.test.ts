import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  createKubeClient,
  findAccess,
  isKubeError,
  type KubeClient,
  type KubeObject,
  kubeClientFor,
} from "@heddle/kube-client";
import { createSystemClock } from "@heddle/std";

// Any cluster that may be written to: real Kubernetes or the embedded one.
const kubeconfig = process.env["HEDDLE_TEST_KUBECONFIG"];
if (kubeconfig === undefined)
  console.log(
    `skipped: HEDDLE_TEST_KUBECONFIG names no cluster; npm test -- kube-client brings one (${process.env["HEDDLE_TEST_NO_KUBERNETES"] ?? "not tried"})`,
  );

const NAMESPACE = "heddle-kube-client-test";

function configMap(name: string, data: Record<string, string>): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: NAMESPACE, labels: { test: "yes" } },
    data,
  };
}

async function until(what: string, check: () => boolean): Promise<void> {
  const end = performance.now() + 40_000;
  while (!check()) {
    if (performance.now() > end) throw new Error(`not within 40 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.skipIf(kubeconfig === undefined)("against a cluster", () => {
  let kube: KubeClient;

  beforeAll(async () => {
    kube = await createKubeClient({ kubeconfig: kubeconfig ?? "", env: {} });
  });
  afterAll(async () => {
    await kube.delete({ apiVersion: "v1", kind: "Namespace", name: NAMESPACE });
    await kube.delete({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      name: "looms.test.heddle.io",
    });
  });

  test("applies a definition, a resource of it, and the namespace, given in the wrong order", async () => {
    const definition: KubeObject = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "looms.test.heddle.io" },
      spec: {
        group: "test.heddle.io",
        scope: "Namespaced",
        names: { plural: "looms", singular: "loom", kind: "Loom" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    };
    const loom = {
      apiVersion: "test.heddle.io/v1",
      kind: "Loom",
      metadata: { name: "l", namespace: NAMESPACE },
      spec: { warp: 3 },
    };
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
    const applied = await kube.applyObjects([loom, configMap("first", { a: "1" }), definition, namespace]);
    expect(applied.map(({ object }) => object.kind)).toEqual([
      "Namespace",
      "CustomResourceDefinition",
      "ConfigMap",
      "Loom",
    ]);
    expect(applied.at(-1)?.created).toBe(true);
    const again = await kube.applyObjects([loom]);
    expect(again[0]?.created).toBe(false);
    expect(
      (await kube.get({ apiVersion: "test.heddle.io/v1", kind: "Loom", name: "l", namespace: NAMESPACE }))["spec"],
    ).toEqual({ warp: 3 });
  });

  test("patches of all kinds, replace, conflict, find, delete", async () => {
    const ref = { apiVersion: "v1", kind: "ConfigMap", name: "second", namespace: NAMESPACE };
    const created = await kube.create(configMap("second", { a: "1" }));
    expect((await kube.patch(ref, { data: { b: "2" } }))["data"]).toEqual({ a: "1", b: "2" });
    expect((await kube.patch(ref, [{ op: "remove", path: "/data/a" }], { type: "json" }))["data"]).toEqual({ b: "2" });
    expect((await kube.patch(ref, { data: { c: "3" } }, { type: "strategic" }))["data"]).toEqual({ b: "2", c: "3" });
    await expect(kube.replace({ ...created, data: { d: "4" } })).rejects.toMatchObject({
      code: 409,
      reason: "Conflict",
    });
    await expect(kube.create(configMap("second", {}))).rejects.toMatchObject({ reason: "AlreadyExists" });
    expect(await kube.delete(ref)).toBe(true);
    expect(await kube.delete(ref)).toBe(false);
    expect(await kube.find(ref)).toBeUndefined();
  });

  test("lists in pages and watches without a gap", async () => {
    for (let i = 0; i < 5; i++) await kube.applyObjects([configMap(`page-${i}`, {})]);
    const type = { group: "", version: "v1", resource: "configmaps", namespace: NAMESPACE };
    const list = await kube.list(type, { labelSelector: "test=yes", pageSize: 2 });
    expect(list.items.map((item) => item.metadata.name).filter((name) => name.startsWith("page"))).toHaveLength(5);
    const told: string[] = [];
    const watch = kube.watch(
      type,
      {
        onEvent: ({ type: change, object }) => told.push(`${change} ${object.metadata.name}`),
        onSync: () => told.push("SYNC"),
      },
      { labelSelector: "test=yes" },
    );
    await until("sync", () => told.includes("SYNC"));
    const before = told.length;
    for (let i = 0; i < 20; i++) await kube.create(configMap(`w-${i}`, {}));
    await until("20 more", () => told.length >= before + 20);
    expect(told.slice(before)).toEqual(Array.from({ length: 20 }, (_, i) => `ADDED w-${i}`));
    watch.close();
  });

  test("a kind that is unknown, and credentials that are refused", async () => {
    await expect(kube.list({ apiVersion: "nowhere.io/v1", kind: "Nothing" })).rejects.toMatchObject({
      reason: "UnknownKind",
    });
    const access = await findAccess({ kubeconfig: kubeconfig ?? "", env: {} }, createSystemClock());
    const nobody = kubeClientFor(
      {
        ...access,
        credentials: {
          headers: async () => ({ authorization: "Bearer wrong" }),
          clientCertificate: async () => undefined,
          invalidate: () => false,
        },
      },
      {},
    );
    await expect(nobody.list({ apiVersion: "v1", kind: "Pod" })).rejects.toMatchObject({ code: 401 });
    const stranger = kubeClientFor({ ...access, ca: undefined }, {});
    await expect(stranger.list({ apiVersion: "v1", kind: "Pod" })).rejects.toMatchObject({
      reason: "UntrustedCertificate",
    });
    const away = kubeClientFor({ ...access, server: "https://127.0.0.1:1" }, {});
    await expect(away.list({ apiVersion: "v1", kind: "Pod" })).rejects.toThrow(
      /cannot reach the Kubernetes API at https:\/\/127.0.0.1:1 .*is the cluster running/,
    );
  });

  test("port-forward, pods/proxy and exec reach a pod of the cluster's DNS", async () => {
    const pods = await kube.list(
      { apiVersion: "v1", kind: "Pod", namespace: "kube-system" },
      { labelSelector: "k8s-app=kube-dns" },
    );
    const pod = pods.items[0];
    if (pod === undefined) return console.log("skipped: no pod labelled k8s-app=kube-dns runs in kube-system");
    const { name } = pod.metadata;
    const socket = await kube.portForward("kube-system", name, 8181);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.write("GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await new Promise((resolve) => socket.once("end", resolve));
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*OK$/);
    socket.destroy();

    const proxied = await kube.proxyRequest(
      { kind: "pods", namespace: "kube-system", name, port: 8181 },
      "GET",
      "/ready",
    );
    expect(await proxied.text()).toBe("OK");

    const version = await kube.exec("kube-system", name, ["/coredns", "-version"]);
    const output: Buffer[] = [];
    version.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    expect(await version.done).toEqual({ exitCode: 0 });
    expect(Buffer.concat(output).toString()).toContain("CoreDNS");
    const wrong = await kube.exec("kube-system", name, ["/coredns", "-conf", "/nowhere"]);
    wrong.stdout.resume();
    expect((await wrong.done).exitCode).toBe(1);
    await expect(kube.exec("kube-system", "nobody", ["x"])).rejects.toMatchObject({ code: 404 });
    const closed = await kube.portForward("kube-system", name, 4);
    const failure = await new Promise<unknown>((resolve) => closed.once("error", resolve));
    expect(isKubeError(failure, "UpgradeFailed")).toBe(true);
  });
});
