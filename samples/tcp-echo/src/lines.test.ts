import { expect, test } from "bun:test";
import { createLines } from "./lines.ts";

test("lines come out whole, however they arrive; endless ones are not kept", () => {
  const found: string[] = [];
  const lines = createLines((line) => found.push(line));
  for (const piece of ["a", "b\nc", "\n\nd"]) expect(lines.push(piece)).toBe(true);
  expect(found).toEqual(["ab", "c", ""]);
  expect(lines.push("x".repeat(70_000))).toBe(false);
});
