import { expect, test } from "bun:test";
import { createManualClock, durationMs } from "@heddle/std";
import { createDebounce } from "./debounce.ts";

function setup() {
  const clock = createManualClock();
  const runs: number[] = [];
  const debounce = createDebounce({
    clock,
    quietMs: 100,
    urgentMs: 10,
    maxMs: 1000,
    run: (waitedMs) => void runs.push(Math.round(waitedMs)),
  });
  return { debounce, runs, advance: (ms: number) => clock.advance(durationMs(ms)) };
}

test("a burst becomes one run after the quiet time", () => {
  const { debounce, runs, advance } = setup();
  for (let i = 0; i < 5; i++) {
    debounce.trigger(false);
    advance(50);
  }
  expect(runs).toEqual([]);
  advance(60);
  expect(runs).toEqual([300]);
});

test("endless changes run at the latest after the maximum", () => {
  const { debounce, runs, advance } = setup();
  for (let i = 0; i < 30; i++) {
    debounce.trigger(false);
    advance(50);
  }
  expect(runs).toEqual([1000]);
});

test("endpoint changes alone take the short way, together with others the long one", () => {
  const { debounce, runs, advance } = setup();
  debounce.trigger(true);
  advance(10);
  expect(runs).toEqual([10]);
  debounce.trigger(true);
  debounce.trigger(false);
  debounce.trigger(true);
  advance(20);
  expect(runs).toHaveLength(1);
  advance(80);
  expect(runs).toHaveLength(2);
});

test("nothing runs after cancel", () => {
  const { debounce, runs, advance } = setup();
  debounce.trigger(false);
  debounce.cancel();
  advance(5000);
  expect(runs).toEqual([]);
});
