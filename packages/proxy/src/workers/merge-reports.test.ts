import { expect, test } from "bun:test";
import type { EnvoyStat } from "../telemetry/envoy-stats.ts";
import { mergeExpositions, mergeStats } from "./merge-reports.ts";

const stat = (name: string, value: number, kind: EnvoyStat["kind"] = "counter"): EnvoyStat => ({
  name,
  kind,
  value,
});

test("counters and gauges of use are added; what is the same everywhere is not", () => {
  const merged = mergeStats([
    [stat("cluster.a.upstream_rq_total", 3), stat("cluster.a.membership_total", 2, "gauge")],
    [
      stat("cluster.a.upstream_rq_total", 4),
      stat("cluster.a.membership_total", 2, "gauge"),
      stat("http.x.downstream_rq_active", 1, "gauge"),
    ],
    [stat("http.x.downstream_rq_active", 5, "gauge")],
  ]);
  expect(merged.map((s) => [s.name, s.value])).toEqual([
    ["cluster.a.upstream_rq_total", 7],
    ["cluster.a.membership_total", 2],
    ["http.x.downstream_rq_active", 6],
  ]);
});

test("expositions: one head for each family, samples by labels, histograms stay histograms", () => {
  const one = `# HELP r Requests.\n# TYPE r counter\nr{a="x y",b="}"} 2\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 5.5\nh_count 1\n`;
  const two = `# HELP r Requests.\n# TYPE r counter\nr{a="z"} 1\nr{a="x y",b="}"} 3\n# TYPE h histogram\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n`;
  expect(mergeExpositions([one, two])).toBe(
    `# HELP r Requests.\n# TYPE r counter\nr{a="x y",b="}"} 5\nr{a="z"} 1\n# TYPE h histogram\nh_bucket{le="+Inf"} 3\nh_sum 6.5\nh_count 3\n`,
  );
  expect(mergeExpositions([one])).toBe(one);
});
