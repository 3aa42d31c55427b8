import { describe, expect, test } from "bun:test";
import { parseExposition } from "./parse.ts";
import { createMetricsRegistry } from "./registry.ts";
import { histogramQuantile } from "./series.ts";

describe("metrics", () => {
  test("exposition in Prometheus' format", () => {
    const registry = createMetricsRegistry();
    const requests = registry.counter({
      name: "istio_requests_total",
      help: "Requests\\seen.",
      labels: ["code", "path"],
    });
    requests.with("200", 'a"b\\c\n').value += 3;
    const seconds = registry.histogram({ name: "took", help: "Time.", labels: ["op"] }, [0.1, 1]);
    seconds.with("x").observe(0.1);
    seconds.with("x").observe(5);
    registry.gauge({ name: "unused", help: "No series." });
    const up = registry.gauge({ name: "up", help: "Up." });
    registry.onCollect(() => {
      up.with().value = 1;
    });
    expect(registry.expose()).toBe(
      [
        "# HELP istio_requests_total Requests\\\\seen.",
        "# TYPE istio_requests_total counter",
        'istio_requests_total{code="200",path="a\\"b\\\\c\\n"} 3',
        "# HELP took Time.",
        "# TYPE took histogram",
        'took_bucket{op="x",le="0.1"} 1',
        'took_bucket{op="x",le="1"} 1',
        'took_bucket{op="x",le="+Inf"} 2',
        'took_sum{op="x"} 5.1',
        'took_count{op="x"} 2',
        "# HELP up Up.",
        "# TYPE up gauge",
        "up 1",
        "",
      ].join("\n"),
    );
  });

  test("what was written is read back", () => {
    const registry = createMetricsRegistry();
    const counter = registry.counter({ name: "c", help: "h\nx", labels: ["l"] });
    for (const value of ['q"', "back\\slash", "new\nline", ""]) counter.with(value).value = value.length;
    const read = parseExposition(registry.expose());
    expect(read.problems).toEqual([]);
    expect(read.kinds.get("c")).toBe("counter");
    expect(read.help.get("c")).toBe("h\nx");
    expect(read.samples.map((s) => [s.labels.get("l"), s.value])).toEqual([
      ['q"', 2],
      ["back\\slash", 10],
      ["new\nline", 8],
      ["", 0],
    ]);
  });

  test("foreign expositions: timestamps, blanks, infinities, garbage", () => {
    const read = parseExposition('a 1 1700000000000\nb{ x = "1" , y="2", } +Inf\n{} 1\nc{x=1} 2\nd NaN\n# comment\n');
    expect(read.samples.map((s) => [s.name, s.value, s.timestampMs])).toEqual([
      ["a", 1, 1_700_000_000_000],
      ["b", Number.POSITIVE_INFINITY, undefined],
      ["d", Number.NaN, undefined],
    ]);
    expect(read.problems.length).toBe(2);
  });

  test("one series per label set; removal; wrong use", () => {
    const registry = createMetricsRegistry();
    const family = registry.counter({ name: "c", help: "", labels: ["a", "b"] });
    expect(family.with("1", "2")).toBe(family.with("1", "2"));
    expect(registry.counter({ name: "c", help: "" })).toBe(family);
    expect(family.remove("1", "2")).toBe(true);
    expect(family.size).toBe(0);
    expect(() => family.with("1")).toThrow("2 labels");
    expect(() => registry.gauge({ name: "c", help: "" })).toThrow("another kind");
  });

  test("families of one name with other labels are one block", () => {
    const registry = createMetricsRegistry();
    registry.counter({ name: "c", help: "h", labels: ["a"] }).with("1").value = 1;
    registry.counter({ name: "d", help: "h" }).with().value = 2;
    const sibling = registry.counter({ name: "c", help: "h", labels: ["a", "b"] });
    sibling.with("1", "2").value = 3;
    expect(registry.counter({ name: "c", help: "h", labels: ["a", "b"] })).toBe(sibling);
    expect(() => registry.gauge({ name: "c", help: "", labels: ["z"] })).toThrow("another kind");
    expect(registry.expose()).toBe(
      '# HELP c h\n# TYPE c counter\nc{a="1"} 1\nc{a="1",b="2"} 3\n# HELP d h\n# TYPE d counter\nd 2\n',
    );
  });

  test("quantiles are interpolated as Prometheus does", () => {
    expect(histogramQuantile(0.5, [10, 20, 40], [5, 5, 0, 0])).toBe(10);
    expect(histogramQuantile(0.75, [10, 20, 40], [5, 5, 0, 0])).toBe(15);
    expect(histogramQuantile(0.99, [10, 20], [0, 0, 3])).toBe(20);
    expect(histogramQuantile(0.5, [10], [0, 0])).toBeNaN();
  });
});
