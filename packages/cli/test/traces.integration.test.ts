/** Spans of a whole mesh: emojivoto's calls, from the sidecars to viz, as one trace each. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KubeObject } from "@heddle/kube-client";
import type { Demo } from "../src/demo/run.ts";
import { podGet } from "../src/pod-http.ts";
import { findPod } from "../src/pods.ts";
import { startTestDemo } from "./test-demo.ts";

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
  const mesh = { extensionProviders: [{ name: "viz", opentelemetry: { service: COLLECTOR, port: 4317 } }] };
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
