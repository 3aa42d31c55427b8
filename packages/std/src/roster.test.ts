import { expect, test } from "bun:test";
import { createRoster, type Enlisted } from "./roster.ts";

interface Guest extends Enlisted {
  readonly name: string;
}
const guest = (name: string): Guest => ({ name, rosterAt: -1 });

test("a roster holds whom a set would hold, whatever the order of coming and going", () => {
  const guests = Array.from({ length: 20 }, (_, i) => guest(`g${i}`));
  const roster = createRoster<Guest>();
  const model = new Set<Guest>();
  let seed = 7;
  for (let step = 0; step < 2000; step++) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    const one = guests[(seed >> 8) % guests.length];
    if (one === undefined) continue;
    if ((seed >> 4) & 1) {
      roster.add(one);
      model.add(one);
    } else {
      expect(roster.delete(one)).toBe(model.delete(one));
    }
    expect(roster.size).toBe(model.size);
  }
  expect(new Set(roster.snapshot())).toEqual(model);
});

test("whoever left, or was never there, is not found; a snapshot does not change", () => {
  const roster = createRoster<Guest>();
  const [a, b] = [guest("a"), guest("b")];
  roster.add(a);
  const before = roster.snapshot();
  expect(roster.delete(b)).toBe(false);
  roster.add(b);
  roster.add(b);
  expect(roster.size).toBe(2);
  expect(roster.delete(a)).toBe(true);
  expect(roster.delete(a)).toBe(false);
  expect(before).toEqual([a]);
  expect(roster.snapshot()).toEqual([b]);
});
