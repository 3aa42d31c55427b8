import { expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import { createWorkQueue } from "./work-queue.ts";

const settle = () => new Promise((resolve) => setTimeout(resolve, 1));

test("a key is worked on once at a time, and again when it came meanwhile", async () => {
  const log: string[] = [];
  let release = () => {};
  const queue = createWorkQueue({
    clock: createManualClock(),
    process: async (key) => {
      log.push(`start ${key}`);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      log.push(`end ${key}`);
      return undefined;
    },
    onFailure() {},
  });
  queue.add("a");
  queue.add("a");
  expect(log).toEqual([]);
  queue.start();
  await settle();
  queue.add("a");
  queue.add("a");
  await settle();
  expect(log).toEqual(["start a"]);
  release();
  await settle();
  expect(log).toEqual(["start a", "end a", "start a"]);
  const closing = queue.close();
  release();
  await closing;
});

test("a failure is tried again after growing waits; a success forgets them", async () => {
  const clock = createManualClock();
  const waits: number[] = [];
  let attempts = 0;
  const queue = createWorkQueue({
    clock,
    process: async () => {
      if (++attempts % 4 !== 0) throw new Error("not yet");
      return undefined;
    },
    onFailure: (_key, _error, retryInMs) => waits.push(retryInMs),
  });
  queue.start();
  queue.add("a");
  for (let i = 0; i < 3; i++) {
    await settle();
    clock.advance(100);
  }
  await settle();
  expect(waits).toEqual([5, 10, 20]);
  queue.add("a");
  await settle();
  expect(waits).toEqual([5, 10, 20, 5]);
  await queue.close();
});

test("asks to be called again after a time", async () => {
  const clock = createManualClock();
  let runs = 0;
  const queue = createWorkQueue({ clock, process: async () => (++runs < 3 ? 1000 : undefined), onFailure() {} });
  queue.start();
  queue.add("a");
  await settle();
  clock.advance(999);
  await settle();
  expect(runs).toBe(1);
  clock.advance(1);
  await settle();
  expect(runs).toBe(2);
  await queue.close();
  expect(clock.pending).toBe(0);
});
