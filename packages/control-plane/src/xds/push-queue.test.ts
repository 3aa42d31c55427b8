import { expect, test } from "bun:test";
import { createPushQueue } from "./push-queue.ts";

test("each waits once, in order, and other work runs between slices", () => {
  let now = 0;
  const pending: (() => void)[] = [];
  const pushed: string[] = [];
  const queue = createPushQueue<string>({
    now: () => now,
    yield: (next) => void pending.push(next),
    push: (item) => {
      pushed.push(item);
      now += 4;
    },
    sliceMs: 10,
  });
  queue.enqueue(["a", "b", "c", "d"]);
  queue.enqueue(["a", "e"]);
  queue.remove("d");
  expect(pending).toHaveLength(1);
  pending.shift()?.();
  expect(pushed).toEqual(["a", "b", "c"]);
  expect(pending).toHaveLength(1);
  pending.shift()?.();
  expect(pushed).toEqual(["a", "b", "c", "e"]);
  expect(pending).toHaveLength(0);
  expect(queue.size).toBe(0);
});
