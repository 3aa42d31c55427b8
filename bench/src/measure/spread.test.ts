import { expect, test } from "bun:test";
import { formatSpread, ratioSpread } from "./spread.ts";

test("a ratio is taken round by round and shown with its spread", () => {
  expect(formatSpread(ratioSpread([1, 3, 2], [2, 2, 2]), 2)).toBe("1.00 (0.50–1.50)");
});

test("a ratio of nothing to nothing is no number", () => {
  expect(formatSpread(ratioSpread([0, 0], [0, 0]), 2)).toBe("–");
});
