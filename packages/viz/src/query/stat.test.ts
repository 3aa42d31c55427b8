import { describe, expect, test } from "bun:test";
import { parseExposition } from "@heddle/std";
import { type Inventory, podInfo } from "../inventory.ts";
import { createMetricStore } from "../store/store.ts";
import { edges } from "./edges.ts";
import { stat } from "./stat.ts";
import { quantile } from "./totals.ts";

const pod = (name: string, deployment: string) =>
  podInfo({
    metadata: {
      name,
      namespace: "emojivoto",
      labels: { app: `${deployment}-svc`, "pod-template-hash": "abc" },
      ownerReferences: [{ kind: "ReplicaSet", name: `${deployment}-abc`, controller: true }],
    },
    spec: { containers: [{ name: "app" }], initContainers: [{ name: "istio-proxy" }] },
    status: { phase: "Running", podIP: "10.0.0.1" },
  });

const inventory: Inventory = {
  pods: () => [pod("web-abc-1", "web"), pod("voting-abc-1", "voting"), pod("vote-bot-abc-1", "vote-bot")],
  services: () => [{ namespace: "emojivoto", name: "web-svc", selector: { app: "web-svc" } }],
};

const line = (reporter: string, src: string, dst: string, extra: string, value: number) =>
  `istio_requests_total{reporter="${reporter}",source_workload="${src}",source_workload_namespace="emojivoto",source_principal="spiffe://cluster.local/ns/emojivoto/sa/default",` +
  `destination_workload="${dst}",destination_workload_namespace="emojivoto",destination_principal="spiffe://cluster.local/ns/emojivoto/sa/web",connection_security_policy="mutual_tls",${extra}} ${value}\n`;

const http200 = 'request_protocol="http",response_code="200"';
const http500 = 'request_protocol="http",response_code="500"';

function scraped() {
  const store = createMetricStore();
  const web = { namespace: "emojivoto", pod: "web-abc-1" };
  const bot = { namespace: "emojivoto", pod: "vote-bot-abc-1" };
  store.ingest(web, 0, parseExposition(line("destination", "vote-bot", "web", http200, 100)).samples);
  store.ingest(bot, 0, parseExposition(line("source", "vote-bot", "web", http200, 100)).samples);
  const later =
    line("destination", "vote-bot", "web", http200, 192) + line("destination", "vote-bot", "web", http500, 8);
  store.ingest(web, 50_000, parseExposition(later).samples);
  store.ingest(bot, 50_000, parseExposition(line("source", "vote-bot", "web", http200, 192)).samples);
  return store;
}

describe("stat", () => {
  const rowOf = (store = scraped(), query = {}) =>
    stat({ kind: "deployment", windowMs: 60_000, ...query }, store, inventory, 50_000);

  test("counts growth only, a series born under watch from zero, failures by code", () => {
    const web = rowOf().rows.find((r) => r.name === "web");
    expect(web).toMatchObject({ meshed: 1, pods: 1, requests: 100, failures: 8, success: 0.92, rps: 2 });
  });

  test("a workload without traffic has no success rate", () => {
    expect(rowOf().rows.find((r) => r.name === "vote-bot")).toMatchObject({ success: null, rps: null, requests: 0 });
  });

  test("--to asks the callers' side", () => {
    const { rows } = rowOf(scraped(), { to: { kind: "deployment", name: "web", namespace: "emojivoto" } });
    expect(rows.find((r) => r.name === "vote-bot")?.requests).toBe(92);
  });

  test("services are found by selector", () => {
    const { rows } = rowOf(scraped(), { kind: "service" });
    expect(rows.map((r) => [r.name, r.requests])).toEqual([["web-svc", 100]]);
  });

  test("a restarted proxy's counter goes on from zero", () => {
    const store = scraped();
    store.ingest(
      { namespace: "emojivoto", pod: "web-abc-1" },
      52_000,
      parseExposition(line("destination", "vote-bot", "web", http200, 3)).samples,
    );
    expect(
      stat({ kind: "deployment", windowMs: 60_000 }, store, inventory, 52_000).rows.find((r) => r.name === "web")
        ?.requests,
    ).toBe(103);
  });

  test("says that nothing was scraped yet", () => {
    expect(rowOf(createMetricStore()).gaps.join()).toContain("no proxy has been scraped");
  });
});

test("edges count each request once and carry both identities", () => {
  const { rows } = edges({ kind: "deployment", windowMs: 60_000 }, scraped(), inventory, 50_000);
  expect(rows).toEqual([
    expect.objectContaining({
      src: "vote-bot",
      dst: "web",
      secured: true,
      requests: 100,
      failures: 8,
      clientId: "spiffe://cluster.local/ns/emojivoto/sa/default",
      serverId: "spiffe://cluster.local/ns/emojivoto/sa/web",
    }),
  ]);
});

test("a caller that only proves its identity is named by its own report", () => {
  const store = createMetricStore();
  const [caller, callee] = [
    { namespace: "emojivoto", pod: "web-abc-1" },
    { namespace: "emojivoto", pod: "voting-abc-1" },
  ];
  for (const target of [caller, callee]) store.ingest(target, 0, []);
  store.ingest(caller, 1000, parseExposition(line("source", "web", "voting", http200, 9)).samples);
  store.ingest(callee, 1000, parseExposition(line("destination", "unknown", "voting", http200, 10)).samples);
  const { rows } = edges({ kind: "deployment", windowMs: 60_000 }, store, inventory, 1000);
  expect(rows).toEqual([expect.objectContaining({ src: "web", dst: "voting", secured: true, requests: 10 })]);
});

test("edges between clusters: each pair of its own, with its identities; who is not known here goes by its account", () => {
  const store = createMetricStore();
  const [caller, callee] = [
    { namespace: "emojivoto", pod: "web-abc-1" },
    { namespace: "emojivoto", pod: "voting-abc-1" },
  ];
  for (const target of [caller, callee]) store.ingest(target, 0, []);
  const way = (reporter: string, from: string, to: string, count: number, src = "web") =>
    line(reporter, src, "voting", `${http200},source_cluster="${from}",destination_cluster="${to}"`, count)
      .replace(/destination_principal="[^"]*"/, `destination_principal="spiffe://${to}/ns/emojivoto/sa/voting"`)
      .replace(
        /source_principal="[^"]*"/,
        `source_principal="spiffe://${src === "unknown" ? "west" : from}/ns/emojivoto/sa/web"`,
      );
  const sent = `${way("source", "east", "east", 3)}\n${way("source", "east", "west", 5)}`;
  store.ingest(caller, 1000, parseExposition(sent).samples);
  const got = `${way("destination", "east", "east", 3)}\n${way("destination", "unknown", "east", 7, "unknown")}`;
  store.ingest(callee, 1000, parseExposition(got).samples);
  const { rows } = edges({ kind: "deployment", windowMs: 60_000 }, store, inventory, 1000);
  const clients = (cluster: string) => `spiffe://${cluster}/ns/emojivoto/sa/web`;
  expect(
    rows.map((r) => [r.src, r.srcCluster, r.dst, r.dstCluster, r.clientId, r.serverId, r.secured, r.requests]),
  ).toEqual([
    ["web", "east", "voting", "east", clients("east"), "spiffe://east/ns/emojivoto/sa/voting", true, 3],
    ["web", "east", "voting", "west", clients("east"), "spiffe://west/ns/emojivoto/sa/voting", true, 5],
    ["web", "", "voting", "east", clients("west"), "spiffe://east/ns/emojivoto/sa/voting", true, 7],
  ]);
});

test("where nothing arrived, the edge does not blame a missing proxy", () => {
  const store = createMetricStore();
  const caller = { namespace: "emojivoto", pod: "web-abc-1" };
  store.ingest(caller, 0, []);
  const refused = line("source", "web", "unknown", 'response_code="503",response_flags="UH"', 3).replace(
    /destination_principal="[^"]*"/,
    'destination_principal="unknown",destination_service_name="voting-svc",destination_service_namespace="emojivoto"',
  );
  store.ingest(caller, 1000, parseExposition(refused).samples);
  const { rows } = edges({ kind: "deployment", windowMs: 60_000 }, store, inventory, 1000);
  expect(rows).toEqual([expect.objectContaining({ dst: "voting-svc", noTlsReason: "no request reached it" })]);
});

test("grpc failures count although HTTP says 200", () => {
  const store = createMetricStore();
  const target = { namespace: "emojivoto", pod: "voting-abc-1" };
  store.ingest(target, 0, []);
  const grpc = 'request_protocol="grpc",response_code="200",grpc_response_status="2"';
  store.ingest(target, 1000, parseExposition(line("destination", "web", "voting", grpc, 5)).samples);
  expect(
    stat({ kind: "deployment", windowMs: 60_000 }, store, inventory, 1000).rows.find((r) => r.name === "voting"),
  ).toMatchObject({ requests: 5, failures: 5 });
});

test("quantile interpolates inside a bucket", () => {
  const buckets = new Map([
    [1, 50],
    [5, 90],
    [10, 100],
    [Number.POSITIVE_INFINITY, 100],
  ]);
  expect(quantile(buckets, 0.5)).toBe(1);
  expect(quantile(buckets, 0.95)).toBeCloseTo(7.5);
  expect(quantile(new Map(), 0.5)).toBeNull();
});
