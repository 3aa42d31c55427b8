import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { KubeClient, KubeObject } from "@heddle/kube-client";
import type { RunningCluster } from "@heddle/local-cluster";
import { parse } from "yaml";
import { waitForPods } from "../src/demo/wait.ts";
import { podGet } from "../src/pod-http.ts";
import { runInProcess } from "./command-line.ts";
import { root } from "./heddle-process.ts";
import { echoPod, eventually, injectedNamespace, NAMESPACE } from "./mesh-cluster.ts";
import { settles } from "./settles.ts";
import { startTestCluster } from "./test-cluster.ts";

setDefaultTimeout(150_000);

let cluster: RunningCluster;
let kube: KubeClient;

const run = (line: string, input = "") =>
  runInProcess(
    cluster.kubeconfig,
    line.split(" ").filter((word) => word !== ""),
    input,
  );

beforeAll(async () => {
  ({ cluster, kube } = await startTestCluster("test-proxies", async (cluster, kube) => ({ cluster, kube })));
}, 60_000);

afterAll(async () => {
  await cluster?.close();
}, 60_000);

describe("before there is a mesh", () => {
  test("check --pre is content, check and proxy-status say what to do", async () => {
    const pre = await run("linkerd check --pre");
    expect(pre).toMatchObject({ code: 0, err: "" });
    expect(pre.out).toEndWith("\nStatus check results are √\n");
    expect(await run("istioctl x precheck")).toMatchObject({ code: 0, out: "" });
    const check = await run("heddle check --wait 1s");
    expect(check.code).toBe(1);
    expect(check.out).toContain("× 'istio' config map exists\n    missing ConfigMap: istio; run heddle install");
    expect(await run("istioctl proxy-status")).toMatchObject({ code: 1, out: "" });
    const version = await run("istioctl version");
    expect(version).toMatchObject({ code: 0, out: "client version: 0.1.0\n" });
    expect(version.err).toContain("not present");
  });

  test("istioctl install asks first, says what it would do, and does it", async () => {
    expect(await run("istioctl install", "n\n")).toMatchObject({ code: 1, out: "" });
    expect((await run("istioctl install --dry-run")).out).toContain("would apply Deployment istio-system/istiod\n");
    const done = await run("istioctl install -y --set profile=minimal --set meshConfig.accessLogFile=/dev/stdout");
    expect(done).toMatchObject({ code: 0, out: "✔ Core installed\n✔ Istiod installed\n✔ Installation complete\n" });
    await kube.applyObjects([injectedNamespace, ...echoPod("one"), ...echoPod("two")]);
    await waitForPods(kube, NAMESPACE, 2, 120_000, () => undefined);
  }, 300_000);
});

describe("with a mesh and two pods", () => {
  test("check --proxy is content, also in linkerd's clothes; a missing namespace is not", async () => {
    for (const tool of ["heddle", "linkerd"]) {
      const check = await run(`${tool} check --proxy --wait 30s`);
      expect(check.out).toEndWith("\nStatus check results are √\n");
      expect(check.code).toBe(0);
    }
    const json = await run("linkerd check --proxy -n nosuch --wait 1s -o json");
    const report = JSON.parse(json.out) as { success: boolean; categories: { checks: { error: string }[] }[] };
    expect([json.code, report.success]).toEqual([1, false]);
    expect(report.categories.at(-1)?.checks.at(-1)?.error).toBe('The "nosuch" namespace does not exist');
  });

  test("precheck looks into running pods: a Service for what listens on the loopback only", async () => {
    const metadata = { name: "admin", namespace: NAMESPACE };
    const spec = { selector: { app: "one" }, ports: [{ name: "http", port: 80, targetPort: 15_000 }] };
    await kube.applyObjects([{ apiVersion: "v1", kind: "Service", metadata, spec } as KubeObject]);
    const found = await run("istioctl x precheck -o json");
    expect(found.code).toBe(79);
    expect(found.err).not.toContain("Warning");
    expect(JSON.parse(found.out)).toEqual([expect.objectContaining({ code: "IST0143", origin: "Pod duo/one" })]);
    await kube.delete({ apiVersion: "v1", kind: "Service", ...metadata });
    expect(await run("istioctl x precheck --from-version 1.21")).toMatchObject({ code: 0, out: "" });
    const refused = await run("istioctl x precheck --from-version two");
    expect([refused.code, refused.err]).toEqual([
      64,
      expect.stringContaining("--from-version two: expected a release"),
    ]);
  });

  test("version: both tools' forms, JSON and YAML with equal content", async () => {
    expect((await run("heddle version")).out).toBe(
      "client version: 0.1.0\ncontrol plane version: 0.1.0\ndata plane version: 0.1.0 (2 proxies)\n",
    );
    expect((await run("linkerd version --proxy")).out).toBe(
      "Client version: 0.1.0\nServer version: 0.1.0\nProxy versions:\n\t0.1.0 (2 pods)\n",
    );
    const json = JSON.parse((await run("istioctl version -o json")).out) as { dataPlaneVersion: { ID: string }[] };
    expect(json.dataPlaneVersion.map((p) => p.ID).sort()).toEqual([`one.${NAMESPACE}`, `two.${NAMESPACE}`]);
    expect(parse((await run("istioctl version -o yaml")).out)).toEqual(json);
  });

  test("proxy-status: all in sync; one of them matches what was sent", async () => {
    const all = await eventually("everything synced", async () => {
      const { out } = await run("istioctl ps");
      return !/STALE|NOT SENT|ERROR/.test(out) && out.includes("two.duo") && out;
    });
    expect(all.split("\n")[0]).toBe(
      "NAME      CLUSTER      CDS      LDS      EDS      RDS      ISTIOD                    VERSION".replace(
        /ISTIOD {2,}/,
        /ISTIOD +/.exec(all)?.[0] ?? "",
      ),
    );
    // A push may be under way.
    await settles(async () => {
      expect((await run(`istioctl proxy-status one.${NAMESPACE}`)).out).toEndWith(
        "Clusters Match\nListeners Match\nRoutes Match\n",
      );
      const json = JSON.parse((await run("heddle proxy-status -o json")).out) as Record<string, string>[];
      for (const status of json) expect(status["cluster_sent"]).toBe(status["cluster_acked"]);
    });
  });

  test.each([
    ["clusters", "c", "SERVICE FQDN", "two.duo.svc.cluster.local"],
    ["listeners", "l", "NAME", "virtualInbound"],
    ["routes", "r", "NAME", "two.duo.svc.cluster.local:8080"],
    ["endpoints", "ep", "ENDPOINT", "outbound|8080||two.duo.svc.cluster.local"],
    ["secret", "s", "RESOURCE NAME", "ROOTCA"],
  ])("proxy-config %s: table, JSON and YAML", async (word, short, column, content) => {
    const target = `one -n ${NAMESPACE}`;
    const table = await run(`istioctl proxy-config ${word} ${target}`);
    expect(table).toMatchObject({ code: 0, err: "" });
    expect(table.out).toStartWith(column);
    expect(table.out).toContain(content);
    // Order is stable from call to call, so that outputs can be compared.
    expect((await run(`heddle pc ${short} one.${NAMESPACE}`)).out.split("\n")[0]).toBe(table.out.split("\n")[0] ?? "");
    const json = await run(`istioctl pc ${short} ${target} -o json`);
    expect(JSON.stringify(JSON.parse(json.out))).toContain(word === "secret" ? "certificateChain" : content);
    expect(json.out).not.toContain("PRIVATE KEY");
    expect(typeof parse((await run(`istioctl pc ${short} ${target} -o yaml`)).out)).toBe("object");
  });

  test("proxy-config filters, all, bootstrap, log and rootca-compare; a dump in a file serves as well", async () => {
    const lines = async (line: string) => (await run(line)).out.trim().split("\n").slice(1);
    expect(await lines(`istioctl pc cluster one.duo --fqdn two.duo --port 8080 --direction outbound`)).toEqual([
      expect.stringContaining("two.duo.svc.cluster.local"),
    ]);
    for (const row of await lines("istioctl pc listener one.duo --port 15006")) expect(row).toContain("virtualInbound");
    for (const row of await lines("istioctl pc endpoint one.duo --port 9000 --status healthy"))
      expect(row).toMatch(/:9000 +HEALTHY/);
    expect((await run("istioctl pc all one.duo")).out).toContain("RESOURCE NAME");
    expect(JSON.parse((await run("istioctl pc bootstrap one.duo")).out)).toBeObject();
    expect((await run("istioctl pc log one.duo --level debug")).code).toBe(0);
    expect((await run("istioctl pc log one.duo --reset")).code).toBe(0);
    expect((await run("istioctl pc rootca-compare one.duo two.duo")).out).toContain("identical ROOTCA");
    const file = join("/tmp", `heddle-dump-${process.pid}.json`);
    await Bun.write(file, await podGet(kube, NAMESPACE, "one", 15000, "/config_dump"));
    const [offline, online] = [await run(`istioctl pc r -f ${file}`), await run("istioctl pc r one.duo")];
    await Bun.file(file).delete();
    expect(offline.out).toBe(online.out);
  });

  test.each([
    ["istioctl pc l nosuch -n duo", 'pod "nosuch" not found in namespace "duo"'],
    ["istioctl pc l deploy/nosuch", 'deployment "nosuch" not found in namespace "default"'],
    ["istioctl pc l gadget/x", "kind gadget is not taken here"],
    ["istioctl pc l", "which pod?"],
    ["istioctl pc l one.duo -o xml", "-o xml: expected short, json or yaml"],
    ["istioctl pc c one.duo --port x", "--port x: expected a port number"],
    ["istioctl pc c one.duo --direction up", "--direction up: expected inbound or outbound"],
    ["istioctl pc ep one.duo --status fine", "--status fine: expected one of"],
    ["istioctl pc log one.duo --level loud", "--level loud: expected"],
    ["istioctl pc r -f /nosuch", "/nosuch"],
    ["istioctl pc nosuch one.duo", "unknown command 'nosuch'"],
    ["istioctl ps nosuch", 'pod "nosuch" not found'],
    ["istioctl ps -o xml", "-o xml: expected table, json or yaml"],
    ["istioctl version -o xml", "-o xml: expected json or yaml"],
    ["istioctl uninstall", "--purge"],
    ["istioctl install --set profile=big -y", "profile=big: known are"],
    ["heddle install --nosuch", "unknown option '--nosuch'"],
    ["heddle install --set a", "expected path=value"],
    ["heddle install --set meshConfig.nosuch=1", "nosuch: unknown field"],
    ["heddle install --set meshConfig.outboundTrafficPolicy.mode=X", "outboundTrafficPolicy.mode"],
    ["heddle install -f /nosuch.yaml", "/nosuch.yaml: there is no such file"],
    ["heddle install -o xml", "-o xml: expected yaml or json"],
    ["linkerd install --identity-issuer-key-file x", "needs all of"],
    ["linkerd inject /nosuch.yml", "/nosuch.yml: there is no such file or folder"],
    ["linkerd inject http://127.0.0.1:1/x.yml", "http://127.0.0.1:1/x.yml"],
    ["linkerd inject", "missing required argument"],
    ["linkerd inject -", "standard input holds no Kubernetes object"],
    ["linkerd check -o xml", "-o xml: expected table, short or json"],
    ["linkerd check --wait soon", "--wait soon: expected a time"],
    ["linkerd --kubeconfig /nosuch version -o nope", "-o nope"],
    ["heddle nosuch", "unknown command 'nosuch'"],
  ])("%s: refused with one sentence", async (line, sentence) => {
    const { code, out, err } = await run(line);
    expect(err).toContain(sentence);
    expect(err).not.toMatch(/\n\s+at /);
    expect(out).toBe("");
    expect(code).toBe(1);
  });

  test("diagnostics: what each proxy and the control plane count", async () => {
    const proxy = await run("linkerd diagnostics proxy-metrics po/one -n duo");
    expect(proxy.out).toStartWith("#\n# POD one (1 of 1)\n#\n");
    expect(proxy.out).toContain("istio_agent_cert_expiry_seconds");
    const plane = await run("linkerd diagnostics controller-metrics");
    expect(plane.out).toContain("# CONTAINER discovery\n");
    expect(plane.out).toContain("citadel_server_success_cert_issuance_count");
    expect((await run("linkerd viz check --wait 1s")).out).toContain("× linkerd-viz Namespace exists");
  });

  test("inject annotates, --manual and kube-inject render, uninject takes all of it out; reports go to stderr", async () => {
    const file = "samples/emojivoto/emojivoto.yml";
    const plain = await run(`linkerd uninject ${file}`);
    const annotated = await run(`linkerd inject ${file}`);
    expect(annotated.out).toContain("linkerd.io/inject: enabled");
    expect(annotated.err).toContain('deployment "web" injected\n');
    const manual = await run("linkerd inject --manual -", await Bun.file(join(root, file)).text());
    expect(manual.out).toContain("name: istio-proxy");
    expect((await run(`istioctl kube-inject -f ${file}`)).out).toBe(manual.out);
    for (const { out } of [annotated, manual]) expect((await run("linkerd uninject -", out)).out).toBe(plain.out);
  });

  test("a reader that goes away ends the program quietly", async () => {
    const child = Bun.spawn(["sh", "-c", `"${join(root, "bin/heddle")}" install | head -1`], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect([out, err]).toEqual(["---\n", ""]);
  });

  test("istioctl uninstall leaves nothing of the mesh", async () => {
    expect(await run("istioctl uninstall --purge -y")).toMatchObject({ code: 0, out: "✔ Uninstall complete\n" });
    const crds = await kube.list({ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" });
    expect(crds.items.map((c) => c.metadata.name).filter((name) => name.endsWith("istio.io"))).toEqual([]);
    await eventually("namespace gone", async () => {
      const found = await kube.find({ apiVersion: "v1", kind: "Namespace", name: "istio-system" });
      return found === undefined;
    });
  });
});
