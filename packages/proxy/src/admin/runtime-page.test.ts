import { expect, test } from "bun:test";
import { runtimePage } from "./runtime-page.ts";

test("a key shows its value in each layer; the last layer that has it wins", () => {
  const layers = [
    { name: "base", values: { overload: { global_downstream_max_connections: 5 }, "a.b": "x" } },
    { name: "more", values: { overload: { global_downstream_max_connections: 9 }, share: { numerator: 1 } } },
  ];
  expect(runtimePage(layers)).toEqual({
    layers: ["base", "more"],
    entries: {
      "a.b": { layer_values: ["x", ""], final_value: "x" },
      "overload.global_downstream_max_connections": { layer_values: ["5", "9"], final_value: "9" },
      share: { layer_values: ["", '{"numerator":1}'], final_value: '{"numerator":1}' },
    },
  });
  expect(runtimePage([])).toEqual({ entries: {}, layers: [] });
});
