import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKubeClient, type KubeClient } from "@heddle/kube-client";
import { type ApiServerProcess, startApiServer } from "./api-server.ts";
import { requestCertificate, until } from "./clients.ts";
import { type Started, start } from "./start.ts";

let api: ApiServerProcess;
let kube: KubeClient;
let started: Started;
const id = "spiffe://cluster.local/ns/shop/sa/cart";

beforeAll(async () => {
  api = await startApiServer();
  kube = await createKubeClient({ kubeconfig: api.kubeconfig, env: {} });
  for (const name of ["istio-system", "shop"])
    await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await kube.create({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "cart", namespace: "shop" } });
  started = await start(["--kubeconfig", api.kubeconfig]);
}, 30_000);

afterAll(async () => {
  await started?.discovery.close();
  api?.close();
});

test("a token that was good is refused once it has expired, logged without the token, counted", async () => {
  const answer = await kube.request("POST", "/api/v1/namespaces/shop/serviceaccounts/cart/token", {
    body: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: ["istio-ca"], expirationSeconds: 600 },
    },
  });
  const { token } = ((await answer.json()) as { status: { token: string } }).status;
  const target = { port: started.discovery.ports.secureGrpc ?? 0, roots: started.discovery.roots, token };
  expect((await requestCertificate(target, { uris: [id] })).details).toBe("");

  process.kill(api.pid ?? 0, "SIGUSR2");
  let refused = { code: 0, details: "" };
  await until("refused", async () => {
    refused = await requestCertificate(target, { uris: [id] });
    return refused.code !== 0;
  });
  expect(refused.code).toBe(16);
  expect(refused.details).toContain("token has expired");
  const record = started.records.findLast((one) => one.message === "certificate refused");
  expect(record?.fields["code"]).toBe("UNAUTHENTICATED");
  expect(JSON.stringify(started.records)).not.toContain(token);
  expect(await started.get("/metrics")).toMatch(/citadel_server_authentication_failure_count(\{[^}]*\})? 1\n/);
}, 30_000);
