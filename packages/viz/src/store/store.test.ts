import { expect, test } from "bun:test";
import { createMetricStore } from "./store.ts";

const sample = (service: string, value: number) => ({
  name: "istio_requests_total",
  labels: new Map([["destination_service", service]]),
  value,
});
const BUCKETS = "istio_request_duration_milliseconds_bucket";
const TARGET = { namespace: "ns", pod: "web-1" };

test("series that a proxy no longer shows have no value now, and go with time; the others stay", () => {
  const store = createMetricStore({ keepMs: 1000 });
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
  store.prune(2000);
  expect(store.size).toBe(2);
  store.prune(2001);
  expect(current()).toEqual([["busy", true]]);
  expect(store.size).toBe(1);
});

test("room that pruned series leave is used again", () => {
  const store = createMetricStore({ maxSeries: 1, keepMs: 1000 });
  store.ingest(TARGET, 1000, [sample("old", 1), sample("new", 1)]);
  expect(store.of("istio_requests_total").length).toBe(1);
  store.prune(2001);
  store.ingest(TARGET, 3000, [sample("new", 2)]);
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

test("what a pod did that is gone stays known for six hours", () => {
  const store = createMetricStore();
  const gone = { namespace: "ns", pod: "web-0" };
  const HOUR_MS = 3_600_000;
  for (let ms = 0; ms <= HOUR_MS; ms += 10_000) store.ingest(gone, ms, [sample("web", ms / 1000)]);
  store.prune(6 * HOUR_MS);
  const past = () => store.of("istio_requests_total")[0]?.series.increase(HOUR_MS / 2, false, HOUR_MS);
  expect(past()).toBe(1800);
  store.prune(7 * HOUR_MS);
  expect(past()).toBe(1800);
  store.prune(7 * HOUR_MS + 1);
  expect(past()).toBeUndefined();
});

test("a full store gives the room of what ended to what is new, and counts what finds none", () => {
  const store = createMetricStore({ maxSeries: 2 });
  const names = () => store.of("istio_requests_total").map((s) => s.series.labels.get("destination_service"));
  store.ingest(TARGET, 1000, [sample("a", 1), sample("b", 1), sample("c", 1)]);
  store.prune(1000);
  expect(store.refused).toBe(1);
  store.ingest(TARGET, 50_000, [sample("b", 2)]);
  store.ingest(TARGET, 70_000, [sample("b", 2), sample("c", 2)]);
  store.prune(70_000);
  expect(names()).toEqual(["b", "c"]);
  expect(store.refused).toBe(0);
});

test("a full store looks for room once a second, not once for each pod", () => {
  const store = createMetricStore({ maxSeries: 1 });
  const kept = (ms: number, pod: string) => {
    store.ingest({ namespace: "ns", pod }, ms, [sample("web", 1)]);
    return store.of("istio_requests_total")[0]?.target.pod;
  };
  expect(kept(0, "old")).toBe("old");
  expect(kept(60_000, "new")).toBe("old");
  expect(kept(60_999, "new")).toBe("old");
  expect(kept(61_000, "new")).toBe("new");
});

test("a clock that is set back loses no growth", () => {
  const store = createMetricStore();
  for (const [value, ms] of [5000, 7000, 6500, 6600, 9000].entries()) store.ingest(TARGET, ms, [sample("a", value)]);
  const [stored] = store.of("istio_requests_total");
  expect(stored?.series.increase(0, false)).toBe(4);
  expect(stored && store.isCurrent(stored)).toBe(true);
});

test("half a day of pods that come and go is held in the room of six hours", () => {
  const store = createMetricStore();
  const pods = Array.from({ length: 20 }, (_, i) => ({ name: `pod-${i}`, counted: 0 }));
  const bounds = ["1", "10", "100", "+Inf"];
  let ever = pods.length;
  const run = (fromMs: number, toMs: number): void => {
    for (let ms = fromMs; ms < toMs; ms += 20_000) {
      for (const [i, old] of pods.entries()) {
        // Each lives for two hours.
        const isEnd = (ms + i * 360_000) % 7_200_000 === 0;
        const pod = isEnd ? { name: `pod-${ever++}`, counted: 0 } : old;
        pods[i] = pod;
        pod.counted += 7;
        const samples = bounds.map((le) => ({
          name: BUCKETS,
          labels: new Map([
            ["destination_service", "web"],
            ["le", le],
          ]),
          value: pod.counted,
        }));
        store.ingest({ namespace: "shop", pod: pod.name }, ms, samples);
      }
      store.prune(ms);
    }
  };
  const HOUR_MS = 3_600_000;
  run(0, 7 * HOUR_MS);
  const [size, room] = [store.size, store.bytes];
  run(7 * HOUR_MS, 13 * HOUR_MS);
  expect(ever).toBeGreaterThan(140);
  // Twenty that live and those of six hours before, with their four buckets.
  expect(store.size).toBe(size);
  expect(store.size).toBeLessThanOrEqual(4 * (20 + 20 * 3 + 20));
  expect(Math.abs(store.bytes / room - 1)).toBeLessThan(0.1);
  // The steps of what lives, the minutes of what ended, and half a chunk at each end of both.
  const ended = store.size - 4 * 20;
  expect(store.bytes).toBeLessThanOrEqual(8 * (4 * 20 * (300 + 360 + 64) + ended * (120 + 32)));
});
