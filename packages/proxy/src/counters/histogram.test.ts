import { describe, expect, test } from "bun:test";
import { binRange, countUpTo, Histogram, mergeHistograms, quantile } from "./histogram.ts";
import { resetCounters } from "./reset.ts";
import { ResponseCodes } from "./response-codes.ts";

function of(...values: number[]) {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram.report();
}

describe("histogram", () => {
  test("every value lies in its bin", () => {
    for (const value of [0, 1, 9, 10, 99, 100, 101, 109, 110, 999, 1000, 1050, 9999, 10_000, 123_456, 4_000_000]) {
      const [bin] = of(value).bins;
      const [low, width] = binRange(bin?.[0] ?? -1);
      expect(low).toBeLessThanOrEqual(value);
      expect(value === 0 ? 0 : value).toBeLessThan(low + Math.max(width, 1));
    }
  });

  test("what is no count of milliseconds does no harm", () => {
    expect(of(-3, Number.NaN, 0.7).bins).toEqual([[0, 3]]);
    expect(of(1e15).bins.length).toBe(1);
  });

  test("quantiles as Envoy 1.40 printed them", () => {
    // One value stands in the middle of its bin, several are spread over it.
    expect(quantile(of(7), 1)).toBeCloseTo(7.05);
    expect(quantile(of(17), 0.5)).toBe(17.5);
    expect(quantile(of(1003), 0.99)).toBe(1050);
    const ones = of(...Array.from({ length: 31 }, () => 1));
    expect([0, 0.25, 0.5, 0.9, 1].map((q) => quantile(ones, q))).toEqual([1.003125, 1.025, 1.05, 1.0875, 1.096875]);
    expect(quantile(of(0, 0), 1)).toBe(0);
    expect(quantile(of(), 0.5)).toBeUndefined();
  });

  test("counts up to a bound, merges, resets", () => {
    const merged = mergeHistograms(of(1, 5, 600), of(5, 20));
    expect([0.5, 1, 5, 10, 1000].map((bound) => countUpTo(merged, bound))).toEqual([0, 1, 3, 3, 5]);
    expect(merged.sum).toBe(631);
  });
});

test("statuses are bounded", () => {
  const codes = new ResponseCodes();
  for (const status of [200, 200, 503, 42, 999]) codes.count(status);
  expect([...codes.seen()]).toEqual([
    [200, 2],
    [503, 1],
  ]);
  expect(codes.completed).toBe(5);
});

test("a reset leaves gauges, and what is nested begins anew", () => {
  const time = new Histogram();
  time.record(3);
  const codes = new ResponseCodes();
  codes.count(200);
  const counters = { open: 2, total: 9, classes: [0, 4], named: new Map([["a", 3]]), time, codes, none: undefined };
  resetCounters(counters, new Set(["open"]));
  expect(counters).toMatchObject({ open: 2, total: 0, classes: [0, 0], named: new Map([["a", 0]]), none: undefined });
  expect(time.report()).toEqual({ sum: 0, bins: [] });
  expect([...codes.seen()]).toEqual([]);
});
