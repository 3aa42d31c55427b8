import { expect, test } from "bun:test";
import { at, listOf, numberOf, recordOf, textOf } from "./json-view.ts";

test("what has the shape is read, everything else is empty", () => {
  expect([recordOf({ a: 1 }), recordOf([1]), recordOf(null), recordOf("x")]).toEqual([{ a: 1 }, {}, {}, {}]);
  expect([listOf([1, "x"]), listOf({ length: 1 }), listOf(undefined)]).toEqual([[1, "x"], [], []]);
  expect([textOf("x"), textOf(0), textOf(false), textOf({}), textOf(null)]).toEqual(["x", "0", "false", "", ""]);
  expect([numberOf(3), numberOf("42"), numberOf(""), numberOf("x"), numberOf(Infinity), numberOf([])]).toEqual([
    3, 42, 0, 0, 0, 0,
  ]);
  expect([at({ a: { b: [1] } }, "a", "b"), at({ a: 1 }, "a", "b", "c"), at(7)]).toEqual([[1], undefined, 7]);
});
