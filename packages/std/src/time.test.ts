import { describe, expect, test } from "bun:test";
import { createBackoff } from "./backoff.ts";
import { createSystemClock } from "./clock.ts";
import { createEwma } from "./ewma.ts";
import { createManualClock } from "./manual-clock.ts";

describe("manual clock", () => {
  test("fires in order of deadlines, periodic ones repeatedly, cancelled ones never", () => {
    const clock = createManualClock(0);
    const seen: string[] = [];
    clock.after(20, () => seen.push(`b${clock.monotonic()}`));
    clock.after(10, () => {
      seen.push(`a${clock.monotonic()}`);
      clock.after(5, () => seen.push(`nested${clock.monotonic()}`));
    });
    const every = clock.every(8, () => seen.push(`e${clock.now()}`));
    clock.after(15, () => every.cancel());
    clock.after(1, () => seen.push("never")).cancel();
    clock.advance(100);
    expect(seen).toEqual(["e8", "a10", "nested15", "b20"]);
    expect(clock.pending).toBe(0);
  });
});

describe("system clock", () => {
  test("moves, and its timers fire", async () => {
    const clock = createSystemClock();
    const began = clock.monotonic();
    // The timer does not keep the process alive, so the test does.
    const alive = setInterval(() => {}, 1000);
    await new Promise<void>((done) => clock.after(5, done));
    clearInterval(alive);
    expect(clock.monotonic() - began).toBeGreaterThan(3);
  });
});

describe("backoff", () => {
  test("ceilings grow to the maximum and start over", () => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 1000 }, () => 1);
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.next() as number)).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(backoff.attempts).toBe(6);
    backoff.reset();
    expect(backoff.next() as number).toBe(100);
    expect(createBackoff({ baseMs: 100, maxMs: 1000, minMs: 7 }, () => 0).next() as number).toBe(7);
  });
});

describe("ewma", () => {
  test("weighs by time", () => {
    const ewma = createEwma({ windowMs: 1000 });
    ewma.add(10, 0);
    ewma.add(20, 1000);
    expect(ewma.value(1000)).toBeCloseTo(10 / Math.E + 20 * (1 - 1 / Math.E), 9);
  });
  test("peak jumps up at once; decay falls while nothing comes", () => {
    const ewma = createEwma({ windowMs: 1000, peak: true, decayToZero: true, initial: 1 });
    ewma.add(100, 1);
    expect(ewma.value(1)).toBe(100);
    expect(ewma.value(1001)).toBeCloseTo(100 / Math.E, 9);
  });
});
