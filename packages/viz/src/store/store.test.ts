import { expect, test } from "bun:test";
import { createMetricStore } from "./store.ts";

const sample = (service: string, value: number) => ({
  name: "istio_requests_total",
  labels: new Map([["destination_service", service]]),
  value,
});
const TARGET = { namespace: "ns", pod: "web-1" };

test("series that a proxy no longer shows have no value now, and go with time; the others stay", () => {
  const store = createMetricStore();
  store.ingest(TARGET, 1000, [sample("old", 1), sample("busy", 1)]);
  store.ingest(TARGET, 2000, [sample("busy", 2)]);
  const current = () =>
    store
      .of("istio_requests_total")
      .map((stored) => [stored.series.labels.get("destination_service"), store.isCurrent(stored)]);
  expect(current()).toEqual([
    ["old", false],
    ["busy", true],
  ]);
  store.prune(1000);
  expect(store.size).toBe(2);
  store.prune(1001);
  expect(current()).toEqual([["busy", true]]);
  expect(store.size).toBe(1);
});

test("room that pruned series leave is used again", () => {
  const store = createMetricStore({ maxSeries: 1 });
  store.ingest(TARGET, 1000, [sample("old", 1), sample("new", 1)]);
  expect(store.of("istio_requests_total").length).toBe(1);
  store.prune(1001);
  store.ingest(TARGET, 2000, [sample("new", 2)]);
  expect(store.of("istio_requests_total").map((s) => s.series.labels.get("destination_service"))).toEqual(["new"]);
});

test("a series that a proxy forgot, as it was idle, counts from zero when it is back", () => {
  const store = createMetricStore();
  const target = { namespace: "emojivoto", pod: "web-1" };
  const scrape = (ms: number, value?: number) =>
    store.ingest(target, ms, value === undefined ? [] : [sample("web", value)]);
  scrape(0);
  scrape(1000, 7);
  scrape(2000);
  // Without the scrape between, eight would be one more than seven.
  scrape(3000, 8);
  expect(store.of("istio_requests_total")[0]?.series.increase(0, true)).toBe(15);
});
