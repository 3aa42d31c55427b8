import { expect, test } from "bun:test";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { loadTypeRegistry } from "@heddle/xds-api";
import { LayeredRuntimeSchema } from "@heddle/xds-api/envoy/config/bootstrap/v3/bootstrap";
import { createScope } from "../config/scope.ts";
import { decodeRuntime } from "./decode-runtime.ts";
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

test("switches are words, in any case, and numbers", () => {
  const values = { a: "FALSE", b: "0", c: 0, d: "True", e: 1, f: false };
  const runtime = createRuntime({ layers: [{ name: "a", values }], adminLayer: undefined });
  const flags = Object.keys(values).map((key) => runtime.flag({ key, base: key < "d" || key === "f" }));
  expect(flags).toEqual([false, false, false, true, true, false]);
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

test("a resource is every layer that asks for it; one that goes leaves the layer empty", () => {
  const from = { kind: "ads" } as const;
  const runtime = createRuntime({
    layers: [
      { name: "base", values: { x: 10 } },
      { name: "r", values: {} },
    ],
    adminLayer: undefined,
    discovered: [{ name: "r", resource: "flags", from }],
  });
  const share = () => runtime.share({ key: "x", base: 1 });
  runtime.setResource("others", { x: 30 });
  expect(share()).toBe(0.1);
  runtime.setResource("flags", { x: 20 });
  expect(share()).toBe(0.2);
  expect(runtime.keys).toBe(1);
  runtime.setResource("flags", undefined);
  expect(share()).toBe(0.1);
});

test("what is no layer and no value is refused with its place", async () => {
  const registry = await loadTypeRegistry();
  const problems = (layers: JsonValue[]) => {
    const scope = createScope("layered_runtime");
    decodeRuntime(fromJson(LayeredRuntimeSchema, { layers }, { registry }), scope);
    return scope.problems.map(({ path, reason }) => `${path}: ${reason}`);
  };
  const at = "layered_runtime.layers[0]";
  expect(problems([{ name: "a" }])).toEqual([
    `${at}: a layer needs one of static_layer, disk_layer, admin_layer, rtds_layer`,
  ]);
  expect(problems([{ name: "a", static_layer: { a: { b: [1], c: null, d: {} } } }])).toEqual([
    `${at}.static_layer: a.b is a list, not a value`,
    `${at}.static_layer: a.c is null, not a value`,
  ]);
  expect(problems([{ name: "a", disk_layer: {} }])[0]).toStartWith(`${at}.disk_layer.symlink_root: the path`);
  expect(problems([{ name: "a", rtds_layer: {} }])[0]).toStartWith(`${at}.rtds_layer.rtds_config: it must say`);
  const rest = { api_config_source: { api_type: "REST" } };
  expect(problems([{ name: "a", rtds_layer: { rtds_config: rest } }])[0]).toStartWith(
    `${at}.rtds_layer.rtds_config.api_config_source.api_type: REST is not implemented`,
  );
  const two = [
    { name: "a", admin_layer: {} },
    { name: "b", admin_layer: {} },
  ];
  expect(problems(two)).toEqual([
    "layered_runtime.layers[1].admin_layer: there can be one layer that operators change",
  ]);
});
