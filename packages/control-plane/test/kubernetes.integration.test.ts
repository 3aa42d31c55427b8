import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createSelfSignedRoot, exportPrivateKey, readCertificate } from "@heddle/identity";
import { createKubeClient, isKubeError, type KubeClient } from "@heddle/kube-client";
import { typeUrls } from "@heddle/xds-api";
import { type ApiServerProcess, givenOrOwnApiServer, startApiServer } from "./api-server.ts";
import { connectAds, requestCertificate, type Target, until } from "./clients.ts";
import { type Started, start } from "./start.ts";

let api: ApiServerProcess;
let kube: KubeClient;
let started: Started;
let secure: Target & { roots: string };

const namespace = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});
const ignoreConflict = (error: unknown) => {
  if (!isKubeError(error, 409)) throw error;
};
const id = "spiffe://cluster.local/ns/shop/sa/cart";

async function token(ns: string, account: string, audience = "istio-ca"): Promise<string> {
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { audiences: [audience], expirationSeconds: 3600 },
  };
  const answer = await kube.request("POST", `/api/v1/namespaces/${ns}/serviceaccounts/${account}/token`, { body });
  const parsed = (await answer.json()) as { status: { token: string } };
  return parsed.status.token;
}

beforeAll(async () => {
  api = await givenOrOwnApiServer();
  kube = await createKubeClient({ kubeconfig: api.kubeconfig, env: {} });
  for (const name of ["istio-system", "shop", "other"]) await kube.create(namespace(name)).catch(ignoreConflict);
  for (const [ns, name] of [
    ["shop", "cart"],
    ["other", "default"],
  ] as const) {
    await kube
      .create({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: ns } })
      .catch(ignoreConflict);
  }
  const webhook = (name: string, path: string, kind: string) => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    webhooks: [
      {
        name: `${path}.heddle.io`,
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Ignore",
        clientConfig: { service: { name: "istiod", namespace: "istio-system", path: `/${path}`, port: 443 } },
        rules: [{ apiGroups: ["x.io"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["none"] }],
      },
    ],
  });
  await kube.create(webhook("istio-sidecar-injector", "inject", "MutatingWebhookConfiguration")).catch(ignoreConflict);
  await kube
    .create(webhook("istio-validator-istio-system", "validate", "ValidatingWebhookConfiguration"))
    .catch(ignoreConflict);
  started = await start(["--kubeconfig", api.kubeconfig]);
  secure = { port: started.discovery.ports.secureGrpc ?? 0, roots: started.discovery.roots };
}, 30_000);

afterAll(async () => {
  await started?.discovery.close();
  for (const name of ["istio-system", "shop", "other", "late", "meshed"]) {
    await kube?.delete({ group: "", version: "v1", resource: "namespaces", name }).catch(() => false);
  }
  for (const [resource, name] of [
    ["mutatingwebhookconfigurations", "istio-sidecar-injector"],
    ["validatingwebhookconfigurations", "istio-validator-istio-system"],
  ] as const) {
    await kube?.delete({ group: "admissionregistration.k8s.io", version: "v1", resource, name }).catch(() => false);
  }
  api?.close();
});

const metric = async (name: string): Promise<number> => {
  const line = (await started.get("/metrics"))
    .split("\n")
    .find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
  return Number(line?.split(" ").at(-1) ?? 0);
};

describe("certificates", () => {
  test("a pod's token buys a certificate for its own identity, and that certificate buys the next", async () => {
    const first = await requestCertificate({ ...secure, token: await token("shop", "cart") }, { uris: [id] });
    expect(first.details).toBe("");
    const leaf = readCertificate(first.chain[0] ?? "");
    expect(leaf.ok && leaf.value.names.uris).toEqual([id]);
    const cert = first.chain.slice(0, -1).join("");
    const renewed = await requestCertificate({ ...secure, key: exportPrivateKey(first.key), cert }, {});
    const next = readCertificate(renewed.chain[0] ?? "");
    expect(next.ok && next.value.names.uris).toEqual([id]);
    expect(await metric("citadel_server_success_cert_issuance_count")).toBe(2);
  });

  test.each([
    ["no credentials", async () => undefined, "neither a client certificate nor a bearer token"],
    ["a forged token", async () => `${(await token("shop", "cart")).slice(0, -6)}AAAAAA`, "does not accept the token"],
    ["nonsense", async () => "hello", "does not accept the token"],
    ["a token for another audience", () => token("shop", "cart", "https://kubernetes.default.svc"), "istio-ca"],
  ])("%s is refused as unauthenticated, logged without the token, counted", async (_what, make, reason) => {
    const before = await metric("citadel_server_authentication_failure_count");
    const bearer = await make();
    const outcome = await requestCertificate(
      { ...secure, ...(bearer !== undefined && { token: bearer }) },
      { uris: [id] },
    );
    expect(outcome.code).toBe(16);
    expect(outcome.details).toContain(reason);
    expect(await metric("citadel_server_authentication_failure_count")).toBe(before + 1);
    const record = started.records.findLast((one) => one.message === "certificate refused");
    expect(record?.fields["code"]).toBe("UNAUTHENTICATED");
    if (bearer !== undefined && bearer.length > 10) expect(JSON.stringify(started.records)).not.toContain(bearer);
  });

  test("a request for another identity is refused", async () => {
    const bearer = await token("other", "default");
    const outcome = await requestCertificate({ ...secure, token: bearer }, { uris: [id] });
    expect(outcome).toMatchObject({
      code: 7,
      details: `the request asks for ${id}, but the caller is spiffe://cluster.local/ns/other/sa/default`,
    });
    const dns = await requestCertificate({ ...secure, token: bearer }, { dns: ["istiod.istio-system.svc"] });
    expect(dns.code).toBe(7);
  });

  test("too long a life is refused with the limit's name", async () => {
    const outcome = await requestCertificate({ ...secure, token: await token("shop", "cart") }, {}, 91 * 24 * 3600);
    expect(outcome.code).toBe(3);
    expect(outcome.details).toContain("MAX_WORKLOAD_CERT_TTL");
  });
});

describe("roots", () => {
  test("the root certificate is in every namespace, also in later ones, and comes back", async () => {
    const ref = (ns: string) => ({
      group: "",
      version: "v1",
      resource: "configmaps",
      name: "istio-ca-root-cert",
      namespace: ns,
    });
    const rootIn = (ns: string) =>
      until(
        `root in ${ns}`,
        async () =>
          ((await kube.find(ref(ns)))?.["data"] as Record<string, string> | undefined)?.["root-cert.pem"] ===
          secure.roots,
      );
    await rootIn("shop");
    await rootIn("default");
    await kube.create(namespace("late"));
    await rootIn("late");
    await kube.delete(ref("late"));
    await rootIn("late");
    await kube.patch(ref("shop"), { data: { "root-cert.pem": "nonsense" } });
    await rootIn("shop");
  });

  test("webhook configurations get our root; validation closes once we serve", async () => {
    const get = async (resource: string, name: string) => {
      const object = await kube.get({ group: "admissionregistration.k8s.io", version: "v1", resource, name });
      return (object["webhooks"] as { clientConfig: { caBundle?: string }; failurePolicy: string }[])[0];
    };
    const bundle = Buffer.from(secure.roots).toString("base64");
    const mutating = await until("injector", async () => {
      const one = await get("mutatingwebhookconfigurations", "istio-sidecar-injector");
      return one?.clientConfig.caBundle === bundle && one;
    });
    expect(mutating.failurePolicy).toBe("Ignore");
    await until("validator", async () => {
      const one = await get("validatingwebhookconfigurations", "istio-validator-istio-system");
      return one?.clientConfig.caBundle === bundle && one.failurePolicy === "Fail";
    });
  });

  test("replicas agree on the CA", async () => {
    const others = await Promise.all([
      start(["--kubeconfig", api.kubeconfig]),
      start(["--kubeconfig", api.kubeconfig]),
    ]);
    for (const other of others) {
      expect(other.discovery.roots).toBe(secure.roots);
      await other.discovery.close();
    }
  });
});

describe("webhooks", () => {
  const post = async (path: string, request: unknown) => {
    const response = await fetch(`https://localhost:${started.discovery.ports.https}${path}`, {
      method: "POST",
      tls: { ca: secure.roots },
      body: JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request }),
    });
    return (await response.json()) as { response: { allowed: boolean; patch?: string; status?: { message: string } } };
  };

  test("pods of labelled namespaces get the sidecar", async () => {
    await kube.create(namespace("meshed", { "istio-injection": "enabled" }));
    await until("namespace known", async () => (await started.get("/debug/configz")) && true);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "x", labels: { app: "x" } },
      spec: { containers: [{ name: "app", image: "app:1" }] },
    };
    const request = { uid: "u", kind: { kind: "Pod" }, namespace: "meshed", object: pod };
    const patch = await until("patch", async () => (await post("/inject", request)).response.patch);
    expect(Buffer.from(patch, "base64").toString()).toContain("istio-proxy");
    const plain = await post("/inject", { ...request, namespace: "other" });
    expect(plain.response).toEqual({ uid: "u", allowed: true } as never);
    expect(await metric("sidecar_injection_success_total")).toBeGreaterThan(0);
  });

  test("an invalid resource is refused with the field's path", async () => {
    const object = {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "x", namespace: "shop" },
      spec: { mtls: { mode: "STRICTT" } },
    };
    const review = await post("/validate", {
      uid: "u",
      kind: { kind: "PeerAuthentication" },
      namespace: "shop",
      object,
    });
    expect(review.response.allowed).toBe(false);
    expect(review.response.status?.message).toContain("spec.mtls.mode");
  });
});

describe("discovery", () => {
  const node = (ns: string, account?: string) => ({
    id: `sidecar~10.0.0.9~pod-1.${ns}~${ns}.svc.cluster.local`,
    metadata: { NAMESPACE: ns, ...(account !== undefined && { SERVICE_ACCOUNT: account }), CLUSTER_ID: "Kubernetes" },
  });

  test("a token admits to the node of its own namespace and account only", async () => {
    const bearer = await token("shop", "cart");
    const cases = [
      [node("other"), 7, "is of namespace other"],
      [node("shop", "thief"), 7, "says service account thief"],
    ] as const;
    for (const [who, code, reason] of cases) {
      const ads = connectAds({ ...secure, token: bearer }, who);
      ads.client.subscribe(typeUrls.cluster);
      const ended = await ads.ended;
      expect(ended.code).toBe(code);
      expect(ended.details).toContain(reason);
      ads.close();
    }
    const anonymous = connectAds(secure, node("shop", "cart"));
    anonymous.client.subscribe(typeUrls.cluster);
    expect((await anonymous.ended).code).toBe(16);
    expect(await started.get("/metrics")).toContain('pilot_xds_access_denied_total{reason="PERMISSION_DENIED"} 2');
    const good = connectAds({ ...secure, token: bearer }, node("shop", "cart"));
    good.client.subscribe(typeUrls.cluster);
    await until("clusters", () => good.updates[0]);
    good.close();
  });

  test("changes of services reach the proxy; a rejection is visible with its reason and ends with the next good push", async () => {
    const ads = connectAds({ ...secure, token: await token("shop", "cart") }, node("shop", "cart"));
    ads.client.subscribe(typeUrls.cluster);
    await until("clusters", () => ads.updates[0]);
    const service = (name: string, port: number) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop" },
      spec: { selector: { app: name }, ports: [{ name: "http", port }] },
    });
    await kube.create(service("web", 80));
    const cluster = "outbound|80||web.shop.svc.cluster.local";
    await until("web", () => ads.updates.some((update) => update.resources.some(({ name }) => name === cluster)));
    // Only what changed is sent.
    expect(ads.updates.at(-1)?.resources.map(({ name }) => name)).toEqual([cluster]);

    ads.reject = () => "Cluster web: no such thing";
    await kube.create(service("bad", 81));
    const status = await until("the rejection", async () => {
      const all = JSON.parse(await started.get("/debug/syncz")) as Record<string, string>[];
      return all.find((one) => one["cluster_error"] !== undefined);
    });
    expect(status).toMatchObject({ proxy: "pod-1.shop", cluster_error: "Cluster web: no such thing" });
    expect(status["cluster_sent"]).not.toBe(status["cluster_acked"]);
    expect(await started.get("/metrics")).toContain('pilot_total_xds_rejects{type="cds"} 1');
    expect(started.records.some((one) => one.fields["reason"] === "Cluster web: no such thing")).toBe(true);

    ads.reject = () => undefined;
    await kube.delete({ group: "", version: "v1", resource: "services", name: "bad", namespace: "shop" });
    await until("in sync again", async () => {
      const all = JSON.parse(await started.get("/debug/syncz")) as Record<string, string>[];
      return all.some((one) => one["cluster_sent"] === one["cluster_acked"] && one["cluster_error"] === undefined);
    });
    expect(JSON.parse(await started.get("/debug/config_dump?proxyID=pod-1.shop"))).toMatchObject({
      configs: expect.any(Array),
    });
    ads.close();
    await until("disconnected", async () => (JSON.parse(await started.get("/debug/syncz")) as unknown[]).length === 0);
  });
});

describe("a CA that appears while we serve", () => {
  const secret = (data: Record<string, string>) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "cacerts", namespace: "istio-system" },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")])),
  });

  test("is taken over everywhere when it is good, and ignored with a reason when it is not", async () => {
    await kube.create(secret({ "ca-cert.pem": "hello" }));
    await until("the reason", () =>
      started.records.some((one) => one.level === "error" && one.message.includes("the CA before stays in force")),
    );
    expect(started.discovery.roots).toBe(secure.roots);

    const next = await createSelfSignedRoot("cluster.local", Date.now());
    await kube.patch(
      { group: "", version: "v1", resource: "secrets", name: "cacerts", namespace: "istio-system" },
      {
        data: secret({ "ca-cert.pem": next.caCert, "ca-key.pem": next.caKey, "root-cert.pem": next.caCert }).data,
      },
    );
    await until("another root", () => started.discovery.roots === next.caCert);
    // New connections see the new serving certificate; the old root no longer verifies it.
    const bearer = await token("shop", "cart");
    const issued = await until("a certificate of the new CA", async () => {
      const outcome = await requestCertificate({ ...secure, roots: next.caCert, token: bearer }, { uris: [id] });
      return outcome.code === 0 && outcome;
    });
    expect(issued.chain.at(-1)).toBe(next.caCert);
    expect((await requestCertificate({ ...secure, token: bearer }, { uris: [id] })).code).toBe(14);
    await until("the new root in every namespace", async () => {
      const map = await kube.find({
        group: "",
        version: "v1",
        resource: "configmaps",
        name: "istio-ca-root-cert",
        namespace: "shop",
      });
      return (map?.["data"] as Record<string, string> | undefined)?.["root-cert.pem"] === next.caCert;
    });
    const ready = await fetch(`https://localhost:${started.discovery.ports.https}/ready`, { tls: { ca: next.caCert } });
    expect(ready.status).toBe(200);
  });
});

describe("a CA that cannot be used", () => {
  test("stops the start with every problem named", async () => {
    const other = await startApiServer();
    try {
      const its = await createKubeClient({ kubeconfig: other.kubeconfig, env: {} });
      await its.create(namespace("istio-system")).catch(ignoreConflict);
      const data = {
        "ca-cert.pem": Buffer.from(secure.roots).toString("base64"),
        "ca-key.pem": Buffer.from("x").toString("base64"),
      };
      await its.create({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "cacerts", namespace: "istio-system" },
        data,
      });
      const failure = await start(["--kubeconfig", other.kubeconfig]).then(
        () => "started",
        (error: Error) => error.message,
      );
      expect(failure).toBe(
        "Secret istio-system/cacerts cannot be used as CA: ca-key.pem is not a PEM private key (expected PKCS#8, EC or RSA)",
      );
    } finally {
      other.close();
    }
  }, 20_000);
});
