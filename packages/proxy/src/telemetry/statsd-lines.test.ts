import { expect, test } from "bun:test";
import { createScope } from "../config/scope.ts";
import { decodeStats } from "../config/stats-config.ts";
import { Histogram } from "../counters/histogram.ts";
import { createFreshStats } from "./fresh-stats.ts";
import { counter, type EnvoyStat, gauge, histogram } from "./stats/stat.ts";
import { createStatTags } from "./stats/stat-tags.ts";
import { type StatsdFormat, statsdLines } from "./statsd-lines.ts";

/** The lines of one server after the other. */
function createLines(format: StatsdFormat) {
  const fresh = createFreshStats();
  return { next: (stats: readonly EnvoyStat[]) => statsdLines(fresh.next(stats), format) };
}

const NAME = "cluster.outbound|80||a.upstream_rq_200";
const at = (count: number, open: number) => [
  counter(NAME, count),
  counter("never", 0),
  gauge("cluster.a.upstream_cx_active", open),
];

test("counters go as what is new, gauges as they are, unused ones not at all", () => {
  const lines = createLines({ prefix: "p" });
  expect(lines.next(at(3, 2))).toEqual([
    "p.cluster.outbound_80__a.upstream_rq_200:3|c",
    "p.cluster.a.upstream_cx_active:2|g",
  ]);
  expect(lines.next(at(5, 0))).toEqual([
    "p.cluster.outbound_80__a.upstream_rq_200:2|c",
    "p.cluster.a.upstream_cx_active:0|g",
  ]);
  expect(lines.next(at(5, 0))).toEqual([
    "p.cluster.outbound_80__a.upstream_rq_200:0|c",
    "p.cluster.a.upstream_cx_active:0|g",
  ]);
  // After a reset.
  expect(lines.next(at(1, 0))[0]).toBe("p.cluster.outbound_80__a.upstream_rq_200:1|c");
});

test("with tags they stand behind the value", () => {
  const tags = createStatTags(decodeStats(undefined, createScope()));
  const lines = createLines({ prefix: "envoy", tagged: (name) => tags.of(name) });
  const times = new Histogram();
  times.record(7);
  expect(
    lines.next([counter("cluster.web.upstream_rq_200", 1), histogram("cluster.web.upstream_rq_time", times.report())]),
  ).toEqual([
    "envoy.cluster.upstream_rq:1|c|#envoy.response_code:200,envoy.cluster_name:web",
    "envoy.cluster.upstream_rq_time:7|ms|#envoy.cluster_name:web",
  ]);
});

test("each value of a histogram goes once, also after a reset", () => {
  const lines = createLines({ prefix: "p" });
  const times = new Histogram();
  const next = () => lines.next([histogram("h", times.report())]);
  for (const value of [5, 5, 12]) times.record(value);
  expect(next()).toEqual(["p.h:5|ms", "p.h:5|ms", "p.h:12|ms"]);
  expect(next()).toEqual([]);
  times.record(1234);
  expect(next()).toEqual(["p.h:1234|ms"]);
  for (const value of [1234, 1299]) times.record(value);
  expect(next()).toEqual(["p.h:1250|ms", "p.h:1250|ms"]);
  times.reset();
  times.record(3);
  expect(next()).toEqual(["p.h:3|ms"]);
});

test("of very many values a sample is sent, with its rate", () => {
  const lines = createLines({ prefix: "p" });
  const times = new Histogram();
  for (let i = 0; i < 10_000; i++) times.record(i % 2);
  const sent = lines.next([histogram("h", times.report())]);
  expect(sent.length).toBe(1000);
  expect(new Set(sent)).toEqual(new Set(["p.h:0|ms|@0.1", "p.h:1|ms|@0.1"]));
});
