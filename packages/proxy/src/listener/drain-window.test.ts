import { expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import type { ChainRuntime, RetiredChainOwner } from "./chain-runtime.ts";
import { createDrainWindow } from "./drain-window.ts";

const DRAIN_MS = 1000;

/** A chain with so many connections, and what is asked of it. */
function chainWith(connections: number) {
  const asked: string[] = [];
  let owner: RetiredChainOwner | undefined;
  const chain = {
    retire(by: RetiredChainOwner) {
      owner = by;
      if (connections > 0) by.onChainBusy(chain);
      asked.push("retire");
    },
    closeAll: () => void asked.push("close"),
  } as unknown as ChainRuntime;
  return { chain, asked, owner: () => owner };
}

test("a chain without connections is let go at once, and counts until its time is over", () => {
  const clock = createManualClock();
  const window = createDrainWindow(clock, DRAIN_MS);
  const { chain, asked } = chainWith(0);
  window.count("chains", 1);
  window.retire(chain);
  expect([...window.busy()]).toEqual([]);
  expect([window.chains, window.listeners]).toEqual([1, 0]);
  clock.advance(DRAIN_MS);
  expect(window.chains).toBe(0);
  expect(asked).toEqual(["retire"]);
});

test("a chain with connections is held until the last has ended, and they are closed when the time is over", () => {
  const clock = createManualClock();
  const window = createDrainWindow(clock, DRAIN_MS);
  const early = chainWith(1);
  const late = chainWith(1);
  window.retire(early.chain);
  window.retire(late.chain);
  expect([...window.busy()]).toEqual([early.chain, late.chain]);
  early.owner()?.onChainEmpty(early.chain);
  expect([...window.busy()]).toEqual([late.chain]);
  clock.advance(DRAIN_MS);
  expect([early.asked, late.asked]).toEqual([["retire"], ["retire", "close"]]);
  // Told to end, it may still have a request to answer.
  expect([...window.busy()]).toEqual([late.chain]);
  late.owner()?.onChainEmpty(late.chain);
  expect([...window.busy()]).toEqual([]);
});

test("a connection that was on its way when its chain was let go has the rest of the time", () => {
  const clock = createManualClock();
  const window = createDrainWindow(clock, DRAIN_MS);
  const { chain, asked, owner } = chainWith(0);
  window.retire(chain);
  clock.advance(DRAIN_MS - 1);
  owner()?.onChainBusy(chain);
  expect([...window.busy()]).toEqual([chain]);
  expect(asked).toEqual(["retire"]);
  clock.advance(1);
  expect(asked).toEqual(["retire", "close"]);
});

test("each update counts for its own time", () => {
  const clock = createManualClock();
  const window = createDrainWindow(clock, DRAIN_MS);
  window.count("chains", 2);
  clock.advance(DRAIN_MS / 2);
  window.count("chains", 1);
  window.count("listeners", 1);
  clock.advance(DRAIN_MS / 2);
  expect([window.chains, window.listeners]).toEqual([1, 1]);
  clock.advance(DRAIN_MS / 2);
  expect([window.chains, window.listeners]).toEqual([0, 0]);
});

test("the end closes what is left, and leaves no timers", () => {
  const clock = createManualClock();
  const window = createDrainWindow(clock, DRAIN_MS);
  const { chain, asked } = chainWith(1);
  window.count("listeners", 1);
  window.retire(chain);
  window.close();
  clock.advance(DRAIN_MS);
  expect(asked).toEqual(["retire", "close"]);
});
