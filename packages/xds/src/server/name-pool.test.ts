import { expect, test } from "bun:test";
import { createNamePool, noNames } from "./name-pool.ts";

const names = Array.from({ length: 200 }, (_, i) => `name-${i}`);

test("clients that ask for the same names share one set, in whatever order they ask", () => {
  const pool = createNamePool();
  const one = pool.change(noNames, names, []);
  expect(pool.change(noNames, names.toReversed(), [])).toBe(one);
  expect(pool.change(pool.change(noNames, names.slice(0, 50), []), names.slice(50), [])).toBe(one);
  const more = pool.change(one, ["new"], ["name-7", "never-there"]);
  expect(pool.change(one, ["new"], ["name-7"])).toBe(more);
  expect(more.has("new")).toBeTrue();
  expect(more.has("name-7")).toBeFalse();
  expect(more.size).toBe(200);
  // The others still have what they had.
  expect(one.has("name-7")).toBeTrue();
  expect(one.has("new")).toBeFalse();
  expect(pool.change(more, ["name-7"], ["new"])).toBe(one);
});

test("what changes nothing is the same set, and nothing is left of all names dropped", () => {
  const pool = createNamePool();
  const one = pool.change(noNames, names, []);
  expect(pool.change(one, names.slice(3, 9), ["gone"])).toBe(one);
  expect(pool.change(one, [], names)).toBe(noNames);
  expect(pool.change(one, ["both"], ["both"])).toBe(one);
});

test("sets of equal size are told apart", () => {
  const pool = createNamePool();
  const sets = Array.from({ length: 20 }, (_, i) => pool.change(noNames, [`a-${i}`, `b-${i}`], []));
  for (const [i, set] of sets.entries()) expect([...set]).toEqual([`a-${i}`, `b-${i}`]);
  expect(new Set(sets).size).toBe(20);
});
