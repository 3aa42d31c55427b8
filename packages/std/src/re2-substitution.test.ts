import { expect, test } from "bun:test";
import { fromRe2Substitution } from "./re2-substitution.ts";

test.each([
  ["/\\2/\\1", "/b/a"],
  ["/$1/$&/\\1", "/$1/$&/a"],
  ["\\10", "a0"],
  ["[\\0]", "[/a/b]"],
  ["\\\\1", "\\1"],
  ["plain", "plain"],
])("%s", (substitution, wanted) => {
  expect("/a/b".replace(/\/(\w)\/(\w)/g, fromRe2Substitution(substitution))).toBe(wanted);
});
