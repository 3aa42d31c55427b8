import { describe, expect, test } from "bun:test";
import { nearest } from "@heddle/std";
import { createProblemSink } from "../problem.ts";
import { list, map, message } from "./compound.ts";
import { duration, int, oneOf, port, string } from "./scalar.ts";
import { deprecated, required, type Schema, withDefault } from "./schema.ts";

function read<T>(schema: Schema<T>, value: unknown): { value: T | undefined; problems: string[] } {
  const sink = createProblemSink("test");
  const result = schema.read(value, "spec", sink);
  return {
    value: result,
    problems: sink.problems.map((problem) => `${problem.severity} ${problem.path}: ${problem.reason}`),
  };
}

const route = message(
  "Route",
  {
    host: required(string()),
    weight: withDefault(int(0, 100), 1),
    exact: string(),
    prefix: string(),
    old: deprecated(string(), "use host"),
  },
  { exclusive: [["exact", "prefix"]] },
);
const spec = message("Spec", {
  routes: list(route),
  labels: map(string()),
  mode: oneOf("A", "B"),
  wait: duration(),
  port: port(),
});

describe("schema", () => {
  test("defaults are filled in, absent lists and maps are empty, null is absent", () => {
    expect(read(spec, { routes: [{ host: "a" }], mode: null }).value).toEqual({
      routes: [{ host: "a", weight: 1 }],
      labels: {},
    });
  });

  test("every problem is reported with its path, not only the first", () => {
    const { value, problems } = read(spec, {
      routes: [{ hots: "a", weight: 101 }, { host: 1, exact: "x", prefix: "y" }, "z"],
      labels: { a: 1 },
      mode: "C",
      wait: "5",
      port: 0,
      color: 1,
    });
    expect(value).toBeUndefined();
    expect(problems).toEqual([
      "error spec.color: unknown field; Spec has routes, labels, mode, wait, port",
      "error spec.routes[0].hots: unknown field; did you mean host?",
      "error spec.routes[0].host: is required",
      "error spec.routes[0].weight: must be between 0 and 100, is 101",
      "error spec.routes[1].host: expected a string, got the number 1; quote it if it is meant as text",
      "error spec.routes[1]: only one of exact, prefix may be set, found exact and prefix",
      'error spec.routes[2]: expected an object (Route), got the string "z"',
      'error spec.labels["a"]: expected a string, got the number 1; quote it if it is meant as text',
      'error spec.mode: expected one of A, B, got the string "C"',
      'error spec.wait: expected a duration such as 10s or 500ms, got the string "5"; a unit (ms, s, m, h) is needed',
      "error spec.port: must be between 1 and 65535, is 0",
    ]);
  });

  test("a deprecated field is a warning and still read", () => {
    expect(read(route, { host: "a", old: "b" })).toEqual({
      value: { host: "a", weight: 1, old: "b" },
      problems: ["warning spec.old: use host"],
    });
  });

  test("durations become milliseconds", () => {
    expect(read(duration(), "1h0m0.5s").value).toBe(3_600_500);
    expect(read(duration(), "-1s").problems).toHaveLength(1);
  });

  test("the OpenAPI schema says the same as the reader", () => {
    expect(spec.openApi).toMatchObject({
      type: "object",
      properties: {
        routes: { type: "array", items: { required: ["host"] } },
        mode: { enum: ["A", "B"] },
        port: { minimum: 1, maximum: 65535 },
      },
    });
  });

  test.each([
    ["trafficPolcy", "trafficPolicy"],
    ["host", "hosts"],
    ["somethingElse", undefined],
  ])("nearest to %s is %s", (name, expected) => {
    expect(nearest(name, ["trafficPolicy", "hosts", "subsets"])).toBe(expected as string);
  });

  test("never throws, whatever comes in", () => {
    const values = [
      null,
      undefined,
      1,
      "",
      [],
      {},
      [[]],
      { routes: {} },
      { routes: [null] },
      { labels: [] },
      Object.create(null),
      { __proto__: { routes: 1 } },
    ];
    for (const value of values) expect(() => read(spec, value)).not.toThrow();
  });
});
