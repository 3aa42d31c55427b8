/** What a whole mesh shows of emojivoto's calls: spans from the sidecars to viz as one trace each, calls live by tap, figures by route. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { isKubeError, type KubeClient, type KubeObject, kubeClientFor } from "@heddle/kube-client";
import { at, listOf } from "@heddle/std";
import { type NamedTapEvent, type RoutesAnswer, watchCalls } from "@heddle/viz";
import type { Demo } from "../src/demo/run.ts";
import { waitForPods } from "../src/demo/wait.ts";
import { defaultInstallOptions } from "../src/install/options.ts";
import { tapManifests } from "../src/install/viz-tap.ts";
import { podGet } from "../src/pod-http.ts";
import { findPod } from "../src/pods.ts";
import { askViz } from "../src/viz/client.ts";
import { heddle } from "./heddle-process.ts";
import { settles } from "./settles.ts";
import { emojiOnEnvoy, startTestDemo } from "./test-demo.ts";
import { BACKENDS, backendObjects, backendProviders, collected, missingBackend, tracedBy } from "./trace-backends.ts";

const COLLECTOR = "jaeger-collector.linkerd-viz.svc.cluster.local";
const TELEMETRY = {
  apiVersion: "telemetry.istio.io/v1",
  kind: "Telemetry",
  metadata: { name: "traces", namespace: "istio-system" },
  spec: { tracing: [{ providers: [{ name: "viz" }], randomSamplingPercentage: 100 }] },
} as KubeObject;

interface Trace {
  readonly spans: readonly {
    readonly spanID: string;
    readonly operationName: string;
    readonly processID: string;
    readonly references: readonly { readonly spanID: string }[];
    readonly tags: readonly { readonly key: string; readonly value: string }[];
  }[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

let demo: Demo;

beforeAll(async () => {
  demo = await startTestDemo("test-traces", 10);
  const configMaps = { group: "", version: "v1", resource: "configmaps", name: "istio", namespace: "istio-system" };
  const viz = { name: "viz", opentelemetry: { service: COLLECTOR, port: 4317 } };
  const mesh = { extensionProviders: [viz, ...backendProviders] };
  await demo.kube.patch(configMaps, { data: { mesh: JSON.stringify(mesh) } });
  await demo.kube.applyObjects([TELEMETRY]);
}, 180_000);

afterAll(async () => {
  await demo?.close();
}, 60_000);

/** Services of a trace, callers before callees, when each span but the first has its caller in the trace. */
function complete({ spans, processes }: Trace): readonly string[] | undefined {
  const ids = new Set(spans.map(({ spanID }) => spanID));
  const roots = spans.filter(({ references }) => references.length === 0);
  if (roots.length !== 1) return undefined;
  if (!spans.every(({ references }) => references.every(({ spanID }) => ids.has(spanID)))) return undefined;
  return [...new Set(spans.map(({ processID }) => processes[processID]?.serviceName ?? ""))];
}

test("a vote is one trace: vote-bot, web, emoji and voting, each hop with both sides", async () => {
  const { pod } = await findPod(demo.kube, "deploy/metrics-api", "linkerd-viz");
  const ask = async <T>(path: string) =>
    (JSON.parse(await podGet(demo.kube, "linkerd-viz", pod, 8085, path)) as { data: readonly T[] }).data;
  const wanted = ["vote-bot", "web-svc", "emoji-svc", "voting-svc"].map((name) => `${name}.emojivoto`);
  const deadline = performance.now() + 60_000;
  let found: Trace | undefined;
  let seen: unknown;
  while (found === undefined && performance.now() < deadline) {
    const traces = await ask<Trace>("/api/traces?limit=100&lookback=1h");
    seen = traces.slice(0, 3).map(complete);
    found = traces.find((trace) => wanted.every((name) => complete(trace)?.includes(name) === true));
    if (found === undefined) await Bun.sleep(500);
  }
  expect({ seen, complete: found !== undefined }).toMatchObject({ complete: true });
  // vote-bot → web, web → emoji, web → voting: a client's and a server's span each.
  const kinds = found?.spans.map(({ tags }) => tags.find(({ key }) => key === "span.kind")?.value);
  expect(kinds?.filter((kind) => kind === "client")).toHaveLength(3);
  expect(kinds?.filter((kind) => kind === "server")).toHaveLength(3);
  const [first] = found?.spans ?? [];
  expect(first?.operationName).toBe("web-svc.emojivoto.svc.cluster.local:80/*");
  expect(await ask<string>("/api/services")).toContain("web-svc.emojivoto");
}, 90_000);

/** Watches web as `kube`'s user until `enough` events came. */
async function watchWeb(kube: KubeClient, enough: number): Promise<readonly NamedTapEvent[]> {
  const seen: NamedTapEvent[] = [];
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), 20_000);
  const asked = { kind: "deployment", name: "web", namespace: "emojivoto" } as const;
  const problems = await watchCalls(
    kube,
    asked,
    {
      maxRps: 100,
      recent: false,
      follow: true,
      signal: stop.signal,
      onEvent: (event) => {
        seen.push(event);
        if (seen.length >= enough) stop.abort();
      },
      onDropped: () => undefined,
    },
    () => new Error("web has no pods"),
  );
  clearTimeout(late);
  if (problems.length > 0) throw new Error(problems.join("; "));
  return seen;
}

test("tap through the API server: who may watch sees calls, who may not is told so", async () => {
  const { kube } = demo;
  const options = defaultInstallOptions("0.1.0", "istio-system");
  await kube.applyObjects(tapManifests(options) as readonly KubeObject[]);
  await settles(async () => {
    const service = await kube.get({
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      name: "v1alpha1.tap.linkerd.io",
    });
    const conditions = listOf(at(service, "status", "conditions"));
    expect(conditions.map((c) => `${at(c, "type")} ${at(c, "status")}`)).toEqual(["Available True"]);
  }, 60_000);
  const jane = kubeClientFor({ ...kube.access, impersonation: { "impersonate-user": "jane" } }, {});
  expect(String(await watchWeb(jane, 1).catch((error: unknown) => error))).toContain(
    'deployments.tap.linkerd.io "web" is forbidden: User "jane" cannot watch resource "deployments/tap" in API group "tap.linkerd.io" in the namespace "emojivoto"',
  );
  await kube.create({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "jane-taps", namespace: "emojivoto" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "linkerd-linkerd-viz-tap-admin" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "jane" }],
  } as KubeObject);
  // Jane may neither list pods nor forward their ports: what she sees came by tap's own right.
  const seen = await watchWeb(jane, 5);
  expect(new Set(seen.map((event) => event.namespace))).toEqual(new Set(["emojivoto"]));
  expect(seen.every((event) => event.srcName === "web" || event.dstName === "web")).toBe(true);
  // Whoever reaches the port without the front proxy's certificate is nobody.
  const pod = await findPod(kube, "deploy/tap", "linkerd-viz");
  const target = { kind: "pods", namespace: "linkerd-viz", name: pod.pod, port: 8089, scheme: "https" } as const;
  const path = "/apis/tap.linkerd.io/v1alpha1/watch/namespaces/emojivoto/tap";
  const forged = await kube.proxyRequest(target, "GET", path).catch((error: unknown) => error);
  expect(isKubeError(forged, 401)).toBe(true);
}, 120_000);

test("a ServiceProfile names routes, says what a failure is, and is counted by", async () => {
  const path = (name: string) => ({ pathRegex: `/emojivoto\\.v1\\.VotingService/${name}` });
  await demo.kube.applyObjects([
    {
      apiVersion: "linkerd.io/v1alpha2",
      kind: "ServiceProfile",
      metadata: { name: "voting-svc.emojivoto.svc.cluster.local", namespace: "emojivoto" },
      spec: { routes: [{ name: "doughnut", condition: { method: "POST", ...path("VoteDoughnut") } }] },
    },
    {
      apiVersion: "linkerd.io/v1alpha2",
      kind: "ServiceProfile",
      metadata: { name: "web-svc.emojivoto.svc.cluster.local", namespace: "emojivoto" },
      spec: {
        routes: [
          {
            name: "list",
            condition: { all: [{ method: "GET" }, { not: { pathRegex: "/api/vote" } }] },
            responseClasses: [{ condition: { status: { min: 200, max: 299 } }, isFailure: true }],
          },
        ],
      },
    },
  ] as readonly KubeObject[]);
  const asked = { kind: "service", namespace: "emojivoto", windowMs: "60000" };
  await settles(async () => {
    const { rows } = await askViz<RoutesAnswer>(demo.kube, "/api/routes", asked);
    const success = (service: string, route: string) =>
      rows.find((row) => row.service === service && row.route === route)?.success;
    expect(success("voting-svc", "doughnut")).toBe(0);
    expect(success("voting-svc", "[DEFAULT]")).toBe(1);
    expect(success("web-svc", "list")).toBe(0);
    expect(success("web-svc", "[DEFAULT]")).toBeGreaterThan(0.3);
  }, 60_000);
}, 90_000);

const missing = missingBackend();
if (missing !== undefined) console.log(`skipped: no ${missing}; build it as images.json says`);

test.skipIf(missing !== undefined)(
  "an OpenTelemetry collector and a Jaeger get spans by OTLP over gRPC and HTTP and by Zipkin, and access logs, from both data planes",
  async () => {
    const { kube } = demo;
    await kube.applyObjects(backendObjects);
    // Before anything is traced: what emoji tells then comes from Envoy.
    await Promise.all([emojiOnEnvoy(kube), waitForPods(kube, BACKENDS, 2, 60_000, () => undefined)]);
    await kube.applyObjects([
      tracedBy("vote-bot", "otlp-http"),
      tracedBy("web-svc", "zipkin"),
      tracedBy("emoji-svc", "otlp-grpc"),
      tracedBy("voting-svc", "jaeger"),
    ]);
    await settles(async () => {
      const { services, logs } = await collected(kube);
      const seen = [...new Set([...services.values()].map((names) => [...names].sort().join()))];
      const whole = [...services].filter(([, names]) => names.size === 3).map(([id]) => id);
      const path = "/api/traces?service=voting-svc.emojivoto&limit=200&lookback=1h";
      const answer = JSON.parse(await podGet(kube, BACKENDS, "jaeger", 16_686, path)) as {
        readonly data: readonly (Trace & { readonly traceID: string })[];
      };
      const voted = answer.data.filter(({ traceID }) => whole.includes(traceID));
      expect({ seen, logs: logs.length, whole: whole.length > 0, voted: voted.length > 0 }).toMatchObject({
        whole: true,
        voted: true,
      });
      expect([...new Set([...services.values()].flatMap((names) => [...names]))].sort()).toEqual(
        ["emoji-svc", "vote-bot", "web-svc"].map((name) => `${name}.emojivoto`),
      );
      expect(voted[0]?.spans.map(({ tags }) => tags.find(({ key }) => key === "span.kind")?.value)).toEqual(["server"]);
      // Entries of one that calls, and of one that is called.
      for (const method of ["GET /api/list", "POST /emojivoto.v1.EmojiService/ListAll"])
        expect(logs.filter(({ text }) => text.includes(`"${method} HTTP/`)).length).toBeGreaterThan(0);
    }, 60_000);
    const opened = heddle(["dashboard", "jaeger", "--browser", "false"], { KUBECONFIG: demo.cluster.kubeconfig });
    const page = await opened.printed(/http:\/\/localhost:\d+/, 20_000);
    expect(await (await fetch(`${page}/api/services`)).text()).toContain("voting-svc.emojivoto");
    opened.kill("SIGINT");
    expect(await opened.exited).toBe(0);
  },
  180_000,
);
