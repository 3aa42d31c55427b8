import { expect, test } from "bun:test";
import { damaged, seededRandom } from "@heddle/std/damage";
import { compileExpression, textOf } from "./index.ts";

const WHOLE = [
  'request.host.startsWith("a") && response.code >= 500 || !("x" in request.headers)',
  'has(request.headers["a"]) ? request.headers["a"] : "none" + string(1.5)',
  '[1, 2, 3][0] == 1 && "é\\n\\u0041".size() > -2 % 3',
  'upstream_peer.labels["app"].value | "unknown"',
];
const source = { read: (name: string) => (name.length % 2 === 0 ? "text" : undefined) };

test("damaged expressions are refused with a sentence, or have a value or none; nothing throws", () => {
  const random = seededRandom(111);
  const ends = new Set<string>();
  for (let round = 0; round < 4000; round++) {
    const text = damaged(Buffer.from(WHOLE[round % WHOLE.length] ?? ""), random).toString("utf8");
    const compiled = compileExpression(text);
    if (!compiled.ok) {
      expect(compiled.error).not.toBe("");
      ends.add("refused");
    } else ends.add(typeof textOf(compiled.value.evaluate(source)));
  }
  expect(ends.size).toBeGreaterThan(1);
});

test("expressions without end are refused before the stack is", () => {
  for (const part of ["(", "!", "-", "[", "a.", "a[", "1 + ", "true ? ", '"', "a(", "{"])
    expect(compileExpression(part.repeat(100_000)).ok).toBe(false);
});
