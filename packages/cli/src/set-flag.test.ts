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
  expect(parseSetFlags(['a="true"', "m.proxyMetadata.ISTIO_META_DNS_CAPTURE=true"])).toEqual({
    a: "true",
    m: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" } },
  });
});

test("items of lists by index, and whole lists", () => {
  expect(
    parseSetFlags(["m.a[0]=x", "m.c[0].pem=p", "m.c[0].names={a,1,b\\,c}", "m.c[1].pem=q", "m.e={}", "m.a[1]=y"]),
  ).toEqual({
    m: { a: ["x", "y"], c: [{ pem: "p", names: ["a", 1, "b,c"] }, { pem: "q" }], e: [] },
  });
  expect(parseSetFlags(["a={b}"], true)).toEqual({ a: "{b}" });
});

test("what cannot be read is refused with the pair", () => {
  expect(() => parseSetFlags(["nonsense"])).toThrow("--set nonsense");
  expect(() => parseSetFlags(["a=1", "a.b=2"])).toThrow("before b already has a value that is no map");
  expect(() => parseSetFlags(["a.b=1", "a[0]=2"])).toThrow("before [0] already has a value that is no list");
  expect(() => parseSetFlags(["a[2]=1"])).toThrow("item 2 comes before item 0");
  expect(() => parseSetFlags(["a[99999]=1"])).toThrow("no field name");
});
