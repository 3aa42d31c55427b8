import { expect, test } from "bun:test";
import { createManualClock, durationMs } from "@heddle/std";
import { createSendBudget } from "./send-budget.ts";

test("who finds the budget full waits its turn, and comes when bytes have left", () => {
  const budget = createSendBudget({ clock: createManualClock(), limitBytes: 100_000 });
  const sent = budget.take(60_000);
  expect(budget.full).toBe(false);
  const alsoSent = budget.take(60_000);
  expect(budget.full).toBe(true);
  const resumed: string[] = [];
  budget.wait(() => {
    resumed.push("a");
    budget.take(90_000);
  });
  const giveUp = budget.wait(() => void resumed.push("gone"));
  budget.wait(() => void resumed.push("b"));
  giveUp();
  sent();
  sent();
  // The first one's own bytes fill it again.
  expect(resumed).toEqual(["a"]);
  alsoSent();
  expect(resumed).toEqual(["a", "b"]);
});

test("a reader that never takes its bytes does not hold up the others for ever", () => {
  const clock = createManualClock();
  const budget = createSendBudget({ clock, limitBytes: 50_000, patienceMs: 300 });
  budget.take(80_000);
  let resumed = false;
  budget.wait(() => {
    resumed = true;
  });
  clock.advance(durationMs(299));
  expect(resumed).toBe(false);
  clock.advance(durationMs(1));
  expect(resumed).toBe(true);
});

test("small responses are not counted", () => {
  const budget = createSendBudget({ clock: createManualClock(), limitBytes: 1 });
  budget.take(1000);
  expect(budget.full).toBe(false);
});
