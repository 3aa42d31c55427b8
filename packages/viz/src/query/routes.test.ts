import { expect, test } from "bun:test";
import { parseExposition } from "@heddle/std";
import type { StatQuery } from "../contract.ts";
import { type Inventory, podInfo } from "../inventory.ts";
import { createMetricStore } from "../store/store.ts";
import { routes } from "./routes.ts";

const pod = (workload: string) =>
  podInfo({
    metadata: {
      name: `${workload}-abc-1`,
      namespace: "shop",
      labels: { app: workload, "pod-template-hash": "abc" },
      ownerReferences: [{ kind: "ReplicaSet", name: `${workload}-abc`, controller: true }],
    },
    spec: { containers: [{ name: "app" }, { name: "istio-proxy" }] },
    status: { phase: "Running", podIP: "10.0.0.1" },
  });
const inventory: Inventory = {
  pods: () => ["front", "admin", "cart", "mail"].map(pod),
  services: () => ["cart", "mail"].map((name) => ({ namespace: "shop", name, selector: { app: name } })),
};

const series = (route: string, status: number, value: number) =>
  `route_response_total{direction="outbound",dst="cart.shop.svc.cluster.local:80",rt_route="${route}",status_code="${status}",classification="${status < 500 ? "success" : "failure"}"} ${value}\n`;
const tries = (route: string, value: number) =>
  `route_actual_request_total{direction="outbound",dst="cart.shop.svc.cluster.local:80",rt_route="${route}"} ${value}\n`;
const standard = (service: string, value: number) =>
  `istio_requests_total{reporter="source",destination_service_name="${service}",destination_service_namespace="shop",response_code="200",request_protocol="http"} ${value}\n`;

function rowsOf(query: Partial<StatQuery>) {
  const store = createMetricStore();
  const scrape = (name: string, timeMs: number, factor: number) =>
    store.ingest(
      { namespace: "shop", pod: `${name}-abc-1` },
      timeMs,
      parseExposition(
        series("add", 200, 90 * factor) +
          series("add", 503, 8 * factor) +
          series("add", 504, 2 * factor) +
          series("", 200, 50 * factor) +
          tries("add", 125 * factor) +
          standard("cart", 150 * factor) +
          standard("mail", 20 * factor),
      ).samples,
    );
  for (const name of ["front", "admin"]) scrape(name, 0, 0);
  scrape("front", 50_000, 1);
  scrape("admin", 50_000, 2);
  return routes({ kind: "service", windowMs: 60_000, ...query }, store, inventory, 50_000).rows;
}

test("by route, as all callers saw it; what has no name last; a Service without named routes is one row", () => {
  const rows = rowsOf({ namespace: "shop" });
  expect(rows.map((r) => [r.service, r.route, r.rps])).toEqual([
    ["cart", "add", 6],
    ["cart", "[DEFAULT]", 3],
    ["mail", "[DEFAULT]", 1.2],
  ]);
  expect(rows[0]).toMatchObject({ success: 0.9, actualRps: 7.5, actualSuccess: 0.72, timeouts: 0.02 });
});

test("of the Services of a workload; with --to of one caller", () => {
  expect(rowsOf({ kind: "deployment", name: "cart", namespace: "shop" })).toHaveLength(2);
  const to = { kind: "service", name: "cart", namespace: "shop" } as const;
  const one = rowsOf({ kind: "deployment", name: "front", namespace: "shop", to });
  expect(one.map((r) => [r.route, r.rps])).toEqual([
    ["add", 2],
    ["[DEFAULT]", 1],
  ]);
});
