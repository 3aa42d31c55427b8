import { expect, test } from "bun:test";
import { parseExposition } from "@heddle/std";
import type { FailureRow, TrafficRow } from "../dashboard-contract.ts";
import { type Inventory, podInfo } from "../inventory.ts";
import { createMetricStore } from "../store/store.ts";
import { refusedConnections } from "./pod-problems.ts";
import { type Evidence, problems } from "./problems.ts";
import { stat } from "./stat.ts";

const pod = (state: object) =>
  podInfo({
    metadata: {
      name: "crashy-abc-1",
      namespace: "shop",
      labels: { "pod-template-hash": "abc" },
      ownerReferences: [{ kind: "ReplicaSet", name: "crashy-abc", controller: true }],
    },
    spec: { containers: [{ name: "app" }, { name: "istio-proxy" }] },
    status: { phase: "Running", podIP: "10.0.0.1", containerStatuses: [{ name: "app", state }] },
  });
const way = (dst: string, dstNamespace: string, more: Partial<TrafficRow> = {}): TrafficRow => ({
  src: "loop",
  srcNamespace: "shop",
  dst,
  dstNamespace,
  clientId: "",
  serverId: "",
  clientIds: [],
  serverIds: [],
  secured: true,
  noTlsReason: "",
  success: 0,
  rps: 1,
  latencyMsP50: null,
  latencyMsP95: null,
  latencyMsP99: null,
  requests: 10,
  failures: 10,
  tcp: false,
  openConnections: 0,
  srcClusters: [],
  dstClusters: [],
  ...more,
});
const failure = (dst: string, dstNamespace: string, flags: string, code = "503"): FailureRow => ({
  src: "loop",
  srcNamespace: "shop",
  dst,
  dstNamespace,
  code,
  grpcStatus: "",
  flags,
  count: 10,
  reason: `because ${flags}`,
});
const found = (evidence: Partial<Evidence>) =>
  problems({
    workloads: [],
    traffic: [],
    failures: [],
    mesh: { timeMs: 0, replicas: [], proxies: [], gaps: [] },
    findings: [],
    pods: [],
    refused: [],
    scrapeGaps: [],
    timeMs: 0,
    ...evidence,
  });

test("a pod that crashes again and again is a problem, and the cause of the failures before it", () => {
  const waiting = { reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container" };
  const [failing, own] = found({
    traffic: [way("crashy", "shop")],
    failures: [failure("crashy", "shop", "UH")],
    pods: [pod({ waiting })],
  });
  expect(failing?.cause).toContain("its pod crashy-abc-1 is in CrashLoopBackOff");
  expect(failing?.next).toBe("kubectl logs -n shop crashy-abc-1 -c app --previous");
  expect(own).toMatchObject({ what: "crashy-abc-1 does not run: CrashLoopBackOff", namespace: "shop", name: "crashy" });
  expect(own?.cause).toContain("back-off 10s");
  expect(found({ pods: [pod({ running: {} })] })).toEqual([]);
  expect(found({ pods: [pod({ waiting: { reason: "PodInitializing" } })] })).toEqual([]);
});

test.each([
  ["NC", "503", "heddle analyze -n shop", "loop"],
  ["UH", "503", "kubectl get pods -n shop", "away"],
  ["UF", "503", "targetPort", "away"],
  ["UPE", "502", "port name", "away"],
  ["-", "403", "Policies in force", "away"],
  ["-", "500", "Recent failures", "away"],
])("what to do about %s %s", (flags, code, next, place) => {
  const [problem] = found({ traffic: [way("away", "shop")], failures: [failure("away", "shop", flags, code)] });
  expect(problem?.next).toContain(next);
  expect(problem?.name).toBe(place);
});

test("a command holds no namespace that a pod made up", () => {
  const forged = "shop; id";
  const [problem] = found({ traffic: [way("away", forged)], failures: [failure("away", forged, "UH")] });
  expect(problem?.next).toContain("kubectl get pods -n NAMESPACE;");
});

test("a destination that nothing knows is seen at its caller, and is not called plain text", () => {
  const lost = way("gone", "unknown", { secured: false, noTlsReason: "no request reached it" });
  const all = found({ traffic: [lost], failures: [failure("gone", "unknown", "NC")] });
  expect(all.map((p) => [p.what, p.namespace, p.name])).toEqual([
    ["loop → gone: 100 % of requests fail", "shop", "loop"],
  ]);
});

test("connections that a STRICT workload turned away are a problem of the window", () => {
  const store = createMetricStore();
  const stat = (address: string, value: number) =>
    `envoy_listener_no_filter_chain_match{listener_address="${address}"} ${value}\n`;
  const scrape = (ms: number, value: number) =>
    store.ingest(
      { namespace: "shop", pod: "crashy-abc-1" },
      ms,
      parseExposition(stat("0.0.0.0_15006", value) + stat("0.0.0.0_80", 9 * value)).samples,
    );
  scrape(0, 0);
  scrape(10_000, 4);
  const inventory: Inventory = { pods: () => [pod({ running: {} })], services: () => [] };
  const refused = (atMs: number) => refusedConnections({ atMs, windowMs: 60_000 }, store, inventory);
  expect(refused(10_000)).toEqual([{ namespace: "shop", name: "crashy", count: 4 }]);
  expect(refused(80_000)).toEqual([]);
  expect(found({ refused: refused(10_000) })[0]).toMatchObject({
    what: "crashy turned 4 connections away",
    next: expect.stringContaining("PERMISSIVE"),
  });
});

test("what a policy refused is a problem of its own, as it is no failure", () => {
  const row = { kind: "deployment" as const, namespace: "shop", name: "crashy", spark: { rps: [], success: [] } };
  const figures = stat(
    { ...row, windowMs: 60_000 },
    createMetricStore(),
    { pods: () => [pod({})], services: () => [] },
    0,
  ).rows[0];
  if (!figures) throw new Error("no row");
  const refusing = (unauthorized: number) =>
    found({ workloads: [{ ...figures, ...row, unauthorized, failingSinceMs: null }] });
  expect(refusing(0)).toEqual([]);
  expect(refusing(3)[0]).toMatchObject({ what: "crashy: 3 requests were refused by policy", severity: "warning" });
});

test("a rejection that goes on for pages is cut", () => {
  const proxy = { namespace: "shop", name: "p", kind: "", version: "", sync: {}, certificateExpiresInMs: null };
  const mesh = { timeMs: 0, replicas: [], gaps: [], proxies: [{ ...proxy, rejections: ["x".repeat(9000)] }] };
  expect(found({ mesh })[0]?.cause.length).toBeLessThan(300);
});
