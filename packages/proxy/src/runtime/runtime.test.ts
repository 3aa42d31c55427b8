import { expect, test } from "bun:test";
import { createRuntime } from "./runtime.ts";

const layers = [
  {
    name: "base",
    values: { fault: { http: { percent: 25 } }, "a.flag": false, many: { numerator: 5, denominator: "TEN_THOUSAND" } },
  },
  { name: "admin", values: {} },
  { name: "last", values: { count: "7" } },
];

test("later layers win, keys are flat or nested, numbers may be texts", () => {
  const runtime = createRuntime({ layers, adminLayer: "admin" });
  expect(runtime.share({ key: "fault.http.percent", base: 1 })).toBe(0.25);
  expect(runtime.share({ key: "many", base: 1 })).toBe(0.0005);
  expect(runtime.share({ key: "", base: 0.5 })).toBe(0.5);
  expect(runtime.flag({ key: "a.flag", base: true })).toBe(false);
  expect(runtime.share({ key: "count", base: 1 })).toBe(0.07);
  runtime.modify([
    ["fault.http.percent", "200"],
    ["count", "9"],
    ["text", "so"],
  ]);
  expect(runtime.share({ key: "fault.http.percent", base: 1 })).toBe(1);
  expect(runtime.share({ key: "count", base: 1 })).toBe(0.07);
  expect(runtime.layers()[1]?.values).toEqual({ "fault.http.percent": 200, count: 9, text: "so" });
  runtime.modify([["fault.http.percent", ""]]);
  expect(runtime.share({ key: "fault.http.percent", base: 1 })).toBe(0.25);
});

test("values of another kind leave the configuration's", () => {
  const runtime = createRuntime({
    layers: [{ name: "a", values: { x: "words", y: [1], z: { numerator: 1, denominator: "TEN" } } }],
    adminLayer: undefined,
  });
  for (const key of ["x", "y", "z"]) {
    expect(runtime.share({ key, base: 0.3 })).toBe(0.3);
    expect(runtime.flag({ key, base: true })).toBe(true);
  }
  expect(runtime.modifiable).toBe(false);
});
