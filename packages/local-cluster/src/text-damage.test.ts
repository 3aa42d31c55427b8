import { expect, test } from "bun:test";
import { damaged, seededRandom } from "@heddle/std/damage";
import { parseRequirements } from "./api/store/label-parser.ts";
import { divideQuantity, parseQuantity } from "./quantity.ts";

// Texts of API clients: read, or refused by an error that the server answers; nothing hangs.

test("label selectors: damaged ones are requirements or an error with a sentence", () => {
  const random = seededRandom(151);
  const whole = "app=web,tier in (a, b),!gone,env notin (x),z!=1,role";
  const seen = { read: 0, refused: 0 };
  for (let round = 0; round < 3000; round++) {
    try {
      for (const one of parseRequirements(damaged(Buffer.from(whole), random).toString("latin1")))
        expect(one).toBeObject();
      seen.read++;
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      if (error instanceof Error) expect(error.message).not.toMatch(/undefined is not|is not a function|Cannot read/);
      seen.refused++;
    }
  }
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(30);
  const start = process.cpuUsage();
  for (const long of ["a,".repeat(200_000), `a in (${"b,".repeat(200_000)})`, "(".repeat(200_000)]) {
    try {
      parseRequirements(long);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
  }
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(5000);
});

test("quantities: damaged ones are numbers or none", () => {
  const random = seededRandom(152);
  let read = 0;
  for (let round = 0; round < 5000; round++) {
    const text = damaged(Buffer.from(["100m", "1.5Gi", "2e3", "-3k"][round % 4] ?? ""), random).toString("latin1");
    const value = parseQuantity(text);
    if (value !== undefined) {
      read++;
      expect(Number.isNaN(value)).toBe(false);
    }
    expect(["string", "undefined"]).toContain(typeof divideQuantity(text, "1m"));
  }
  expect(read).toBeGreaterThan(500);
});
