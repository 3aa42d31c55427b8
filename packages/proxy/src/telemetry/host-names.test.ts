import { expect, test } from "bun:test";
import { createHostNames } from "./host-names.ts";

test("the first hosts keep their names, whatever comes later has none", () => {
  const names = createHostNames(100);
  for (let i = 0; i < 5000; i++) names.labelOf(`host-${i}.example`);
  const shown = new Set(Array.from({ length: 5000 }, (_, i) => names.labelOf(`host-${i}.example`)));
  expect(shown.size).toBe(101);
  expect(names.labelOf("host-0.example")).toBe("host-0.example");
  expect(names.labelOf("host-4999.example")).toBe("");
  expect(createHostNames().labelOf("x".repeat(300))).toBe("");
});
