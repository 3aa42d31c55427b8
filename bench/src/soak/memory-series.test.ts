import { expect, test } from "bun:test";
import { formatSeries, type MemorySample, partsOf, residentOf } from "./memory-series.ts";

const samples = (count: number, rssOf: (i: number) => number): readonly MemorySample[] =>
  Array.from({ length: count }, (_, i) => ({ atMs: i * 1000, rss: rssOf(i), anonymous: rssOf(i) / 2 }));

test("medians of parts show what grows, not what swings", () => {
  const swinging = samples(100, (i) => 60 + (i % 5 === 0 ? 40 : 0));
  expect(partsOf(swinging, 4, ({ rss }) => rss)).toEqual([60, 60, 60, 60]);
  const growing = partsOf(
    samples(100, (i) => i),
    4,
    ({ rss }) => rss,
  );
  expect(growing).toEqual([...growing].sort((a, b) => a - b));
  expect(growing[3]).toBeGreaterThan(80);
});

test("a part without a sample is a gap, and a proxy without a probe has two lines", () => {
  expect(
    partsOf(
      samples(2, () => 1),
      3,
      ({ rss }) => rss,
    ),
  ).toEqual([1, Number.NaN, 1]);
  expect(
    formatSeries(
      samples(12, () => 50),
      [],
    ),
  ).toHaveLength(2);
  expect(
    formatSeries(
      samples(12, () => 50),
      [{ atMs: 0, heap: 1, capacity: 1, beside: 1, objects: 1, taken: 1 }],
    ),
  ).toHaveLength(7);
});

test("the kernel knows what a process has", () => {
  const { rss, pss, anonymous } = residentOf(process.pid);
  expect(anonymous).toBeGreaterThan(0);
  expect(rss).toBeGreaterThanOrEqual(pss);
});
