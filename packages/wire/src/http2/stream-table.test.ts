import { expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { StreamTable } from "./stream-table.ts";

test("a stream table holds what a map would hold, also where ids crowd into the same slots", () => {
  // Steps of 2 are what clients send; of 64 what a hostile one might.
  for (const step of [2, 64]) {
    const random = seededRandom(step);
    const table = new StreamTable<{ readonly id: number }>();
    const model = new Map<number, { readonly id: number }>();
    for (let turn = 0; turn < 3000; turn++) {
      const id = 1 + step * Math.floor(random() * 60);
      if (model.has(id) || random() < 0.4) {
        table.delete(id);
        model.delete(id);
      } else {
        const stream = { id };
        table.add(stream);
        model.set(id, stream);
      }
      expect(table.size).toBe(model.size);
      const asked = 1 + step * Math.floor(random() * 60);
      expect(table.get(asked)).toBe(model.get(asked));
    }
    expect(new Set(table.snapshot())).toEqual(new Set(model.values()));
    for (const id of model.keys()) expect(table.get(id)?.id).toBe(id);
  }
});
