import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseExposition, type Sample } from "@heddle/std";
import type { Demo } from "../src/demo/run.ts";
import { podGet } from "../src/pod-http.ts";
import { findPod } from "../src/pods.ts";
import { eventually } from "./mesh-cluster.ts";
import { settles } from "./settles.ts";
import { startTestDemo } from "./test-demo.ts";

const NAMESPACE = "emojivoto";
const PROXY_METRICS = { port: 15090, path: "/stats/prometheus" };
let demo: Demo;

beforeAll(async () => {
  demo = await startTestDemo("test-counts", 20);
  await eventually("enough traffic", async () => {
    const web = await samples("web", 8802, "/metrics");
    return (
      sum(web, "emojivoto_web_requests_total", { code: "500" }) > 10 &&
      sum(web, "emojivoto_web_requests_total", { code: "200" }) > 300
    );
  });
  await demo.kube.patch(
    { group: "apps", version: "v1", resource: "deployments", name: "vote-bot", namespace: NAMESPACE },
    { spec: { replicas: 0 } },
  );
  for (;;) {
    const { items } = await demo.kube.list(
      { apiVersion: "v1", kind: "Pod", namespace: NAMESPACE },
      { labelSelector: "app=vote-bot" },
    );
    if (items.length === 0) break;
    await Bun.sleep(200);
  }
}, 180_000);

afterAll(async () => {
  await demo?.close();
}, 60_000);

async function samples(deployment: string, port: number, path: string): Promise<readonly Sample[]> {
  const { pod } = await findPod(demo.kube, `deploy/${deployment}`, NAMESPACE);
  return parseExposition(await podGet(demo.kube, NAMESPACE, pod, port, path)).samples;
}

function sum(all: readonly Sample[], name: string, labels: Readonly<Record<string, string>>): number {
  return all
    .filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels.get(k) === v))
    .reduce((total, s) => total + s.value, 0);
}

for (const [deployment, port] of [
  ["voting", 8801],
  ["emoji", 8801],
] as const) {
  test(`${deployment}: what the proxies counted is what the program answered, by status`, async () => {
    // What was under way when the bot ended is counted when it ends.
    await settles(async () => {
      const program = await samples(deployment, port, "/metrics");
      const proxy = await samples(deployment, PROXY_METRICS.port, PROXY_METRICS.path);
      const caller = await samples("web", PROXY_METRICS.port, PROXY_METRICS.path);
      for (const [name, code] of [
        ["OK", "0"],
        ["Unknown", "2"],
      ] as const) {
        const answered = sum(program, "grpc_server_handled_total", { grpc_code: name });
        console.log(`${deployment} ${name}: ${answered}`);
        const labels = { destination_workload: deployment, request_protocol: "grpc", grpc_response_status: code };
        expect(sum(proxy, "istio_requests_total", { reporter: "destination", ...labels })).toBe(answered);
        expect(sum(caller, "istio_requests_total", { reporter: "source", ...labels })).toBe(answered);
      }
      expect(sum(program, "grpc_server_handled_total", { grpc_code: "OK" })).toBeGreaterThan(100);
    });
  });
}

test("web: HTTP by status code", async () => {
  await settles(async () => {
    const program = await samples("web", 8802, "/metrics");
    const proxy = await samples("web", PROXY_METRICS.port, PROXY_METRICS.path);
    const reported = (code: string) =>
      sum(proxy, "istio_requests_total", { reporter: "destination", destination_workload: "web", response_code: code });
    // On a busy machine the ending bot gives some up: their callers got no code, but the program gave one.
    let abandoned = reported("0");
    for (const code of ["200", "500"]) {
      const answered = sum(program, "emojivoto_web_requests_total", { code });
      console.log(`web ${code}: ${answered}, given up ${abandoned}`);
      expect(answered).toBeGreaterThan(10);
      abandoned -= answered - reported(code);
      expect(reported(code)).toBeLessThanOrEqual(answered);
      expect(abandoned).toBeGreaterThanOrEqual(0);
    }
  });
});

test("both ends of a connection name each other's identity", async () => {
  const proxy = await samples("voting", PROXY_METRICS.port, PROXY_METRICS.path);
  const secured = sum(proxy, "istio_requests_total", {
    reporter: "destination",
    connection_security_policy: "mutual_tls",
    source_principal: "spiffe://cluster.local/ns/emojivoto/sa/web",
    destination_principal: "spiffe://cluster.local/ns/emojivoto/sa/voting",
    source_workload: "web",
  });
  expect(secured).toBe(sum(proxy, "istio_requests_total", { reporter: "destination" }));
  expect(secured).toBeGreaterThan(100);
});
