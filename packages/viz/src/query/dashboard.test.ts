import { expect, test } from "bun:test";
import { parseExposition } from "@heddle/std";
import { type Inventory, podInfo } from "../inventory.ts";
import { createMetricStore } from "../store/store.ts";
import { graph } from "./graph.ts";
import { namespaceOf } from "./namespace.ts";
import { overview } from "./overview.ts";
import { problems } from "./problems.ts";
import { failuresOf, workload } from "./workload.ts";

const pod = (name: string, meshed = true) =>
  podInfo({
    metadata: {
      name: `${name}-abc-1`,
      namespace: "x",
      labels: { "pod-template-hash": "abc" },
      ownerReferences: [{ kind: "ReplicaSet", name: `${name}-abc`, controller: true }],
    },
    spec: { containers: [{ name: "app" }, ...(meshed ? [{ name: "istio-proxy" }] : [])] },
    status: { phase: "Running", podIP: "10.0.0.1" },
  });
const inventory: Inventory = {
  pods: () => [pod("bot"), pod("web"), pod("voting"), pod("lone", false)],
  services: () => [],
};

const id = (name: string) => `spiffe://cluster.local/ns/x/sa/${name}`;
const line = (src: string, dst: string, extra: string, value: number, reporter = "destination") =>
  `istio_requests_total{reporter="${reporter}",source_workload="${src}",source_workload_namespace="x",source_principal="${id(src)}",destination_workload="${dst}",destination_workload_namespace="x",destination_principal="${id(dst)}",connection_security_policy="mutual_tls",response_flags="-",${extra}} ${value}\n`;
const ok = 'request_protocol="http",response_code="200"';
const bad = 'request_protocol="grpc",response_code="200",grpc_response_status="2"';
const http500 = 'request_protocol="http",response_code="500"';

/** Two minutes good, then three in which a fifth of the votes fail. */
function store() {
  const kept = createMetricStore();
  for (let s = 0; s <= 300; s += 10) {
    const failed = Math.max(0, s - 120) / 5;
    kept.ingest(
      { namespace: "x", pod: "voting-abc-1" },
      s * 1000,
      parseExposition(line("web", "voting", ok, s - failed) + line("web", "voting", bad, failed)).samples,
    );
    kept.ingest(
      { namespace: "x", pod: "web-abc-1" },
      s * 1000,
      parseExposition(line("bot", "web", ok, 2 * s - failed) + line("bot", "web", http500, failed)).samples,
    );
  }
  return kept;
}
const query = { atMs: 300_000, windowMs: 60_000 };
const mesh = { timeMs: 300_000, replicas: [], proxies: [], gaps: [] };

test("the overview tells since when a workload fails, and shows it step by step", () => {
  const { workloads } = overview(query, store(), inventory);
  const voting = workloads.find((w) => w.name === "voting");
  expect(voting).toMatchObject({ requests: 60, failures: 12, failingSinceMs: 120_000 });
  expect(voting?.spark.success.at(-1)).toBeCloseTo(0.8);
  expect(voting?.spark.rps.at(-1)).toBeCloseTo(1);
  expect(voting?.spark.rps[0]).toBeNull();
  expect(workloads.find((w) => w.name === "lone")).toMatchObject({ meshed: 0, success: null, failingSinceMs: null });
});

test("a look back shows what was then", () => {
  const then = graph({ atMs: 100_000, windowMs: 60_000 }, store(), inventory);
  expect(then.edges.map((e) => [e.src, e.dst, e.success])).toEqual([
    ["web", "voting", 1],
    ["bot", "web", 1],
  ]);
  expect(then.nodes.map((n) => n.name)).toEqual(["bot", "voting", "web"]);
});

test("nodes and ways say which clusters they were seen in; what is idle is of this one", () => {
  const kept = createMetricStore();
  const at = (dst: string) =>
    `request_protocol="http",response_code="200",source_cluster="east",destination_cluster="${dst}"`;
  for (const s of [0, 60])
    kept.ingest(
      { namespace: "x", pod: "web-abc-1" },
      s * 5000,
      parseExposition(
        line("bot", "web", at("east"), s) +
          line("web", "far", at("west"), s, "source") +
          line("web", "far", at("east"), s, "source") +
          line("web", "far", at("east"), s),
      ).samples,
    );
  const { nodes, edges } = graph({ ...query, windowMs: 300_000 }, kept, inventory);
  const clusters = Object.fromEntries(nodes.map((n) => [n.name, n.clusters]));
  expect(clusters).toEqual({ bot: ["east"], web: ["east"], voting: ["east"], far: ["east", "west"] });
  const far = edges.find((e) => e.dst === "far");
  expect(far?.dstClusters).toEqual(["east", "west"]);
  // Those of the cluster whose proxies nobody reads here are known by the caller's.
  expect(far?.rps).toBeCloseTo(2 * (edges.find((e) => e.dst === "web")?.rps ?? 0));
});

test("problems name the cause once: who passes failures on points to where they come from", () => {
  const [kept, present] = [store(), overview(query, store(), inventory)];
  const found = problems({
    workloads: present.workloads,
    traffic: graph(query, kept, inventory).edges,
    failures: failuresOf(query, kept),
    mesh,
    pods: [],
    refused: [],
    scrapeGaps: [],
    findings: [],
    timeMs: query.atMs,
  });
  expect(found.map((p) => [p.severity, p.what, p.name])).toEqual([
    ["error", "web → voting: 20 % of requests fail", "voting"],
    ["warning", "bot → web: 10 % of requests fail", "voting"],
  ]);
  expect(found[0]?.cause).toContain("voting answered gRPC status 2 (Unknown), 12 times");
});

test("a refused configuration, a certificate that ends and a control plane that is away are problems", () => {
  const base = {
    workloads: [],
    traffic: [],
    failures: [],
    pods: [],
    refused: [],
    scrapeGaps: [],
    findings: [],
    timeMs: 0,
  };
  const proxy = {
    namespace: "x",
    name: "web-1",
    kind: "sidecar",
    version: "1",
    sync: {},
    rejections: ["listener: no"],
    certificateExpiresInMs: 60_000,
  };
  const found = problems({ ...base, mesh: { ...mesh, proxies: [proxy], gaps: ["no control plane runs"] } });
  expect(found.map((p) => p.id)).toEqual(["certificate/x/web-1", "control-plane/none", "rejected/x/web-1"]);
  expect(problems({ ...base, mesh })).toEqual([]);
});

test("a workload's page has both sides and the reasons; unknown names have none", () => {
  const of = (name: string) => workload({ ...query, namespace: "x", kind: "deployment", name }, store(), inventory);
  const web = of("web");
  expect(web?.inbound.map((t) => t.src)).toEqual(["bot"]);
  expect(web?.outbound.map((t) => t.dst)).toEqual(["voting"]);
  expect(web?.failures.map((f) => [f.dst, f.count]).sort()).toEqual([
    ["voting", 12],
    ["web", 12],
  ]);
  expect(of("nobody")).toBeUndefined();
});

test("a namespace's page has its workloads, Services, pods and every way that touches it; another one has none", () => {
  const ask = (namespace: string) => namespaceOf({ ...query, namespace }, store(), inventory);
  const x = ask("x");
  expect(x?.row).toMatchObject({ kind: "namespace", name: "x", meshed: 3, pods: 4, requests: 180, failures: 24 });
  expect(x?.workloads.map((w) => w.name)).toEqual(["bot", "lone", "voting", "web"]);
  expect(x?.pods).toHaveLength(4);
  expect(x?.edges.map((e) => `${e.src} ${e.dst}`)).toEqual(["web voting", "bot web"]);
  expect(x?.nodes.map((n) => n.name)).toEqual(["bot", "voting", "web"]);
  expect(x?.failures.map((f) => f.dst).sort()).toEqual(["voting", "web"]);
  expect(ask("nobody")).toBeUndefined();
});
