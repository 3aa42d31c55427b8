import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { EdfScheduler } from "./edf-scheduler.ts";

interface Item {
  readonly name: number;
  weight: number;
  turns: number;
}

const itemsOf = (weights: readonly number[]): Item[] => weights.map((weight, name) => ({ name, weight, turns: 0 }));
const WEIGHT = (item: Item) => item.weight;

describe("earliest deadline first", () => {
  test("of those whose turn is at one time, who waited longer goes first", () => {
    const turns = new EdfScheduler(itemsOf([4, 1, 1]), WEIGHT, () => 0);
    expect(Array.from({ length: 12 }, () => turns.pick()?.name).join("")).toBe("000120000120");
  });

  test("nobody, and one alone", () => {
    expect(new EdfScheduler<Item>([], WEIGHT, () => 0.5).pick()).toBeUndefined();
    const alone = new EdfScheduler(itemsOf([3]), WEIGHT, () => 0.999);
    expect([alone.pick()?.name, alone.pick()?.name]).toEqual([0, 0]);
  });

  test("whatever the weights and the beginning, nobody is ever more than one turn away from its share", () => {
    const random = seededRandom(11);
    for (let round = 0; round < 200; round++) {
      const items = itemsOf(
        Array.from({ length: 1 + Math.floor(random() * 30) }, () => 1 + Math.floor(random() * 128)),
      );
      const total = items.reduce((sum, { weight }) => sum + weight, 0);
      const turns = new EdfScheduler(items, WEIGHT, random);
      for (let i = 1; i <= 1000; i++) {
        const item = turns.pick();
        if (item !== undefined) item.turns++;
      }
      // The beginning lies between two turns, and so does the end.
      for (const item of items) expect(Math.abs(item.turns - (1000 * item.weight) / total)).toBeLessThan(2.001);
    }
  });

  test("a weight that changes counts from the next turn on", () => {
    const items = itemsOf([1, 1]);
    const turns = new EdfScheduler(items, WEIGHT, () => 0);
    for (let i = 0; i < 10; i++) turns.pick();
    const [, second] = items;
    if (second === undefined) throw new Error("no item");
    second.weight = 9;
    let seconds = 0;
    for (let i = 0; i < 100; i++) if (turns.pick() === second) seconds++;
    expect(seconds).toBeWithin(88, 92);
  });

  test("proxies that start together do not all begin with the same", () => {
    const random = seededRandom(5);
    const first = new Set(
      Array.from({ length: 40 }, () => new EdfScheduler(itemsOf([2, 3, 4]), WEIGHT, random).pick()?.name),
    );
    expect(first.size).toBe(3);
  });
});
