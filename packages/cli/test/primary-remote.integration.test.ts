import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./heddle-process.ts";
import { lineProblem } from "./line-between-clusters.ts";
import { eventually } from "./mesh-cluster.ts";
import { createShell } from "./shell.ts";

const line = lineProblem();
const missing = ["kubectl", "curl", "openssl"].filter((name) => Bun.which(name) === null);
if (line !== undefined) console.log(`skipped: no line between clusters: ${line}`);
else if (missing.length > 0) console.log(`skipped: the walkthrough needs ${missing.join(", ")} on PATH`);

setDefaultTimeout(180_000);

/** Each command ends after this, whatever else the machine does. Units: ms. */
const PATIENCE_MS = 120_000;

const samples = join(root, "samples");

/** A Service of its own, so that it is known whose pods answer. */
const onlyHere = (name: string, app: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {ports: [{name: http, port: 8000, targetPort: 8080}], selector: {app: ${app}}}
`;

describe.skipIf(line !== undefined || missing.length > 0)("a cluster without a control plane", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-pr-"));
  const clusters = ["home", "away"] as const;
  const { ok, run } = createShell(
    folder,
    {
      HEDDLE_STATE: folder,
      KUBECONFIG: clusters.map((name) => join(folder, "clusters", name, "kubeconfig")).join(":"),
    },
    PATIENCE_MS,
  );
  const kubectl = (name: string, words: string, stdin?: string) => ok(`kubectl --context=${name} ${words}`, stdin);
  const gateway = (name: string) =>
    ok(
      `${join(samples, "multicluster/gen-eastwest-gateway.sh")} --network net-${name} | istioctl --context=${name} install -y -f -`,
    );
  const pod = (name: string) => `kubectl --context=away run ${name} -n sample --image=debian -- sleep 1000`;
  const check = async () => (await run("heddle multicluster check --contexts home,away")).out;
  /** What a server saw of the caller; the caller's sidecar knows who served. */
  const call = (from: string, host: string) =>
    run(`kubectl --context=${from} exec -n sample deploy/sleep -c sleep -- curl -sS -m 5 ${host}:8000/headers`);
  const secured = async (from: string, host: string) => {
    const { out } = await call(from, host);
    return (
      out.includes("By=spiffe://cluster.local/ns/sample/sa/httpbin") &&
      out.includes("URI=spiffe://cluster.local/ns/sample/sa/sleep")
    );
  };

  beforeAll(async () => {
    for (const name of clusters) await ok(`heddle local up --name ${name}`);
    const values = "--set values.global.multiCluster.clusterName=home --set values.global.network=net-home";
    await ok(`istioctl --context=home install -y --set profile=minimal --set values.global.meshID=mesh1 ${values}`);
    for (const name of clusters) {
      await kubectl(name, "create namespace sample");
      await kubectl(name, "label namespace sample istio-injection=enabled");
      await kubectl(name, "apply -n sample -f -", onlyHere("at-home", name === "home" ? "httpbin" : "nobody"));
      await kubectl(name, "apply -n sample -f -", onlyHere("abroad", name === "away" ? "httpbin" : "nobody"));
    }
    const apps = ["sleep/sleep.yaml", "httpbin/httpbin.yaml"].map((file) => `-f ${join(samples, file)}`).join(" ");
    await Promise.all([gateway("home"), kubectl("home", `apply -n sample ${apps}`)]);
    const exposed = ["expose-istiod", "expose-services"].map((name) => `-f ${samples}/multicluster/${name}.yaml`);
    await kubectl("home", `apply -n istio-system ${exposed.join(" ")}`);
  }, 180_000);

  afterAll(async () => {
    await run("heddle local down --all");
    rmSync(folder, { recursive: true, force: true });
  });

  test("until its primary knows it, pods that ask for a sidecar are refused, and check says what is missing", async () => {
    await kubectl("away", "create namespace istio-system");
    const path = "--set values.istiodRemote.injectionPath=/inject/cluster/away/net/net-away";
    const address = "--set values.global.remotePilotAddress=198.18.0.1";
    const installed = await run(`istioctl --context=away install -y --set profile=remote ${path} ${address}`);
    expect(installed.code).toBe(0);
    expect(installed.err).toContain("create-remote-secret --name away");
    expect((await run(pod("early"))).err).toContain(
      'failed calling webhook "namespace.sidecar-injector.istio.io": failed to call webhook',
    );
    expect(await check()).toContain("annotate namespace istio-system topology.istio.io/controlPlaneClusters=home");
    expect((await run("istioctl --context=away proxy-status")).err).toContain("uses another's control plane");
  });

  test("then it injects, certifies and connects its pods, both ways over mTLS", async () => {
    await kubectl("away", "annotate namespace istio-system topology.istio.io/controlPlaneClusters=home");
    await ok("istioctl create-remote-secret --context=away --name away | kubectl --context=home apply -f -");
    await eventually("the root certificate", async () =>
      (await check()).includes("√ each cluster without a control plane has one elsewhere"),
    );
    const apps = ["sleep/sleep.yaml", "httpbin/httpbin.yaml"].map((file) => `-f ${join(samples, file)}`).join(" ");
    await Promise.all([gateway("away"), kubectl("away", `apply -n sample ${apps}`)]);
    for (const name of clusters)
      await kubectl(name, "wait -n sample --for=condition=Available deployment --all --timeout=110s");
    await eventually("calls from abroad to home", () => secured("away", "at-home"));
    await eventually("calls from home to abroad", () => secured("home", "abroad"));
    await eventually("the proxy abroad in sync", async () =>
      /sleep-\S+\.sample +away +SYNCED/.test(await ok("istioctl --context=home proxy-status")),
    );
    expect(await ok("istioctl --context=home remote-clusters")).toMatch(/away .* synced/);
    await eventually("nothing more to say", async () => (await check()).includes("Status check results are √"));
    // Configuration is read in the primary only.
    const route = { hosts: ["abroad"], http: [{ route: [{ destination: { host: "abroad" } }] }] };
    const meta = { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "unread" } };
    await kubectl("away", "apply -n sample -f -", JSON.stringify({ ...meta, spec: route }));
    expect(await check()).toContain("nobody reads VirtualService sample/unread in away");
    await kubectl("away", "delete -n sample virtualservice unread");
  });

  test("a certificate that a gateway abroad names is read there, and at home where there is none", async () => {
    const gateway = {
      apiVersion: "networking.istio.io/v1",
      kind: "Gateway",
      metadata: { name: "shop" },
      spec: {
        selector: { istio: "eastwestgateway" },
        servers: [
          {
            port: { number: 8443, name: "https", protocol: "HTTPS" },
            tls: { mode: "SIMPLE", credentialName: "shop-cert" },
            hosts: ["shop.example"],
          },
        ],
      },
    };
    await kubectl("home", "apply -n istio-system -f -", JSON.stringify(gateway));
    for (const name of clusters) {
      const subject = `-subj /CN=${name} -addext subjectAltName=DNS:shop.example`;
      await ok(`openssl req -x509 -newkey rsa:2048 -nodes -days 1 ${subject} -keyout ${name}.key -out ${name}.crt`);
      await kubectl(name, `create secret tls shop-cert -n istio-system --cert=${name}.crt --key=${name}.key`);
    }
    const pods = "get pods -n istio-system -l istio=eastwestgateway -o jsonpath={.items[0].status.podIP}";
    const shown = async (name: string) => {
      const url = `--resolve shop.example:8443:${await kubectl(name, pods)} https://shop.example:8443/`;
      const curl = `curl -skv -m 5 -o /dev/null ${url}`;
      const { err } = await run(`kubectl --context=${name} exec -n sample deploy/sleep -c sleep -- ${curl}`);
      return /subject: CN=(\w+)/.exec(err)?.[1];
    };
    for (const name of clusters)
      await eventually(`the certificate of ${name}`, async () => (await shown(name)) === name);
    await kubectl("away", "delete secret -n istio-system shop-cert");
    await eventually("the certificate of home, abroad", async () => (await shown("away")) === "home");
  });

  test("the primary's gateway away: running pods go on, new ones wait with a sentence", async () => {
    await kubectl("home", "scale -n istio-system deploy/istio-eastwestgateway --replicas=0");
    let attempts = 0;
    // While the gateway ends there are other sentences.
    const late = await eventually("a pod that can't be injected", async () => {
      attempts++;
      const { err } = await run(pod(`late-${attempts}`));
      return err.includes("dial tcp 198.18.0.1:15017: connect") ? err : undefined;
    });
    expect(late).toContain('failed calling webhook "namespace.sidecar-injector.istio.io"');
    await eventually("calls within the cluster", () => secured("away", "abroad"));
    await eventually("calls into the cluster, by its own gateway", () => secured("home", "abroad"));
    const log = () => ok("kubectl --context=away logs -n sample deploy/sleep -c istio-proxy");
    await eventually("a sentence in the sidecar's log", async () =>
      (await log()).includes("the last configuration stays in service"),
    );
  });
});
