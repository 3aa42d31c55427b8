import { expect, test } from "bun:test";
import { createTimerWheel } from "@heddle/std";
import { startKeepAlive } from "./keep-alive.ts";

function start(config: { intervalMs: number; idleMs?: number; jitter?: number }) {
  const wheel = createTimerWheel({ tickMs: 10 }, 0);
  const sent: number[] = [];
  const pings = {
    pingPending: false,
    ping() {
      pings.pingPending = true;
      sent.push(wheel.nowMs);
    },
  };
  let dead = -1;
  const keepAlive = startKeepAlive(
    { timeoutMs: 500, jitter: 0, idleMs: 0, ...config },
    pings,
    { wheel, random: () => 1 },
    () => {
      dead = wheel.nowMs;
    },
  );
  /** `answered`: the peer answers at once. */
  const run = (untilMs: number, answered: boolean) => {
    while (wheel.nowMs < untilMs) {
      wheel.advance(wheel.nowMs + 10);
      if (answered) pings.pingPending = false;
    }
  };
  return { run, sent, keepAlive, dead: () => dead, pings };
}

/** Exact to three ticks of the wheel. */
function expectNear(ms: number | undefined, wanted: number): void {
  expect(ms).toBeGreaterThanOrEqual(wanted);
  expect(ms).toBeLessThanOrEqual(wanted + 30);
}

test("PINGs follow each other by the interval while they are answered", () => {
  const { run, sent, dead } = start({ intervalMs: 200 });
  run(1000, true);
  expect(sent.length).toBeGreaterThanOrEqual(4);
  expectNear(sent[0], 200);
  expect(dead()).toBe(-1);
});

test("a PING without an answer ends the connection after the timeout, also where the interval is longer or shorter", () => {
  for (const intervalMs of [200, 800]) {
    const { run, sent, dead } = start({ intervalMs });
    run(3000, false);
    expect(sent).toHaveLength(1);
    expectNear(dead(), (sent[0] ?? 0) + 500);
  }
});

test("an interval of 800 ms with all of its jitter of 50 % is 1200 ms", () => {
  const { run, sent } = start({ intervalMs: 800, jitter: 0.5 });
  run(1400, true);
  expect(sent).toHaveLength(1);
  expectNear(sent[0], 1200);
});

test("without an interval only a request after a quiet time asks", () => {
  const { run, sent, keepAlive, dead } = start({ intervalMs: 0, idleMs: 300 });
  run(1000, true);
  keepAlive.beforeRequest(300);
  expect(sent).toEqual([]);
  keepAlive.beforeRequest(301);
  keepAlive.beforeRequest(301);
  expect(sent).toHaveLength(1);
  run(3000, false);
  expectNear(dead(), (sent[0] ?? 0) + 500);
});

test("nothing follows a release", () => {
  const { run, sent, keepAlive } = start({ intervalMs: 200 });
  keepAlive.release();
  run(1000, true);
  expect(sent).toEqual([]);
});
