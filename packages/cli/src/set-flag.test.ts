import { expect, test } from "bun:test";
import { parseSetFlags } from "./set-flag.ts";

test("pairs nest, read JSON scalars, and keep escaped dots", () => {
  expect(
    parseSetFlags(["meshConfig.enableTracing=true", "values.global.proxy.resources.requests.cpu=10m", "a.b\\.c=1"]),
  ).toEqual({
    meshConfig: { enableTracing: true },
    values: { global: { proxy: { resources: { requests: { cpu: "10m" } } } } },
    a: { "b.c": 1 },
  });
  expect(parseSetFlags(["a.b=true"], true)).toEqual({ a: { b: "true" } });
});

test("what cannot be read is refused with the pair", () => {
  expect(() => parseSetFlags(["nonsense"])).toThrow("--set nonsense");
  expect(() => parseSetFlags(["a=1", "a.b=2"])).toThrow("a already has a value");
});
