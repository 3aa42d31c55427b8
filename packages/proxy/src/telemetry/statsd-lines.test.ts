import { expect, test } from "bun:test";
import { createScope } from "../config/scope.ts";
import { decodeStats } from "../config/stats-config.ts";
import { counter, gauge, histogram } from "./stats/stat.ts";
import { createStatTags } from "./stats/stat-tags.ts";
import { createStatsdLines } from "./statsd-lines.ts";

const NAME = "cluster.outbound|80||a.upstream_rq_200";
const at = (count: number, open: number) => [
  counter(NAME, count),
  counter("never", 0),
  gauge("cluster.a.upstream_cx_active", open),
  histogram("h", { bins: [], sum: 0 } as never),
];

test("counters go as what is new, gauges as they are, unused ones not at all", () => {
  const lines = createStatsdLines({ prefix: "p" });
  expect(lines.next(at(3, 2))).toEqual([
    "p.cluster.outbound_80__a.upstream_rq_200:3|c",
    "p.cluster.a.upstream_cx_active:2|g",
  ]);
  expect(lines.next(at(5, 0))).toEqual([
    "p.cluster.outbound_80__a.upstream_rq_200:2|c",
    "p.cluster.a.upstream_cx_active:0|g",
  ]);
  expect(lines.next(at(5, 0))).toEqual(["p.cluster.a.upstream_cx_active:0|g"]);
  // After a reset.
  expect(lines.next(at(1, 0))[0]).toBe("p.cluster.outbound_80__a.upstream_rq_200:1|c");
});

test("with tags they stand behind the value", () => {
  const tags = createStatTags(decodeStats(undefined, createScope()));
  const lines = createStatsdLines({ prefix: "envoy", tagged: (name) => tags.of(name) });
  expect(lines.next([counter("cluster.web.upstream_rq_200", 1)])).toEqual([
    "envoy.cluster.upstream_rq:1|c|#envoy.response_code:200,envoy.cluster_name:web",
  ]);
});
