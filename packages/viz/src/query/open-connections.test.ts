import { expect, test } from "bun:test";
import { parseExposition } from "@heddle/std";
import { type Inventory, podInfo } from "../inventory.ts";
import { createSeries } from "../store/series.ts";
import { createMetricStore } from "../store/store.ts";
import { stat } from "./stat.ts";

const web = podInfo({
  metadata: {
    name: "web-abc-1",
    namespace: "x",
    labels: { "pod-template-hash": "abc" },
    ownerReferences: [{ kind: "ReplicaSet", name: "web-abc", controller: true }],
  },
  spec: { containers: [{ name: "app" }, { name: "istio-proxy" }] },
  status: { phase: "Running", podIP: "10.0.0.1" },
});
const inventory: Inventory = { pods: () => [web], services: () => [] };
const target = { namespace: "x", pod: "web-abc-1" };
const gauge = (prefix: string, value: number) =>
  `envoy_http_downstream_cx_active{envoy_http_conn_manager_prefix="${prefix}"} ${value}\n`;
const tcp = (what: string, value: number) => `istio_tcp_connections_${what}_total{reporter="destination"} ${value}\n`;
const open = (store: ReturnType<typeof createMetricStore>, nowMs: number) =>
  stat({ kind: "deployment", windowMs: 60_000 }, store, inventory, nowMs).rows[0]?.tcpOpenConnections;

test("open connections are those of all inbound protocols", () => {
  const store = createMetricStore();
  const text = gauge("inbound_0.0.0.0_8080", 3) + gauge("outbound_0.0.0.0_80", 9) + tcp("opened", 7) + tcp("closed", 5);
  store.ingest(target, 1000, parseExposition(text).samples);
  expect(open(store, 1000)).toBe(5);
});

test("a gauge that the newest scrape left out is zero", () => {
  const store = createMetricStore();
  store.ingest(target, 1000, parseExposition(gauge("inbound_0.0.0.0_8080", 3)).samples);
  store.ingest(target, 3000, []);
  expect(open(store, 3000)).toBe(0);
});

test("looking back, those that were open then", () => {
  const store = createMetricStore();
  const ingest = (ms: number, text: string) => store.ingest(target, ms, parseExposition(text).samples);
  ingest(1000, tcp("opened", 7) + tcp("closed", 5));
  ingest(3000, tcp("opened", 12) + tcp("closed", 6) + gauge("inbound_0.0.0.0_8080", 3));
  expect(open(store, 1000)).toBe(2);
  expect(open(store, 3000)).toBe(9);
});

test("growth is known for hours by the minute, for the last minutes by the scrape", () => {
  const series = createSeries(new Map(), { fine: 30 });
  for (let s = 0; s <= 3600; s += 2) series.push(s * 1000, s);
  expect(series.increase(0, false)).toBe(3600);
  expect(series.increase(3_590_000, false)).toBe(10);
  expect(series.increase(600_000, false, 1_200_000)).toBe(600);
});
