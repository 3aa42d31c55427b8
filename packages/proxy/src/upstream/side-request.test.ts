import { expect, test } from "bun:test";
import { createManualClock, type Result } from "@heddle/std";
import { createRequestHead } from "@heddle/wire";
import type { Cluster } from "./cluster.ts";
import { upstreamFailure } from "./failure.ts";
import type { PoolWaiter } from "./pool.ts";
import { sendSideRequest } from "./side-request.ts";

/** A cluster to whose host no connection comes about. */
function unreachable() {
  const waiters: PoolWaiter[] = [];
  const pool = {
    acquire: (waiter: PoolWaiter) => void waiters.push(waiter),
    cancel: () => undefined,
  };
  const cluster = { config: { http: { protocol: "http2" } }, pick: () => ({}), pool: () => pool };
  return { waiters, cluster: cluster as unknown as Cluster };
}

const refused = () => upstreamFailure("connect-failed", "refused");

test("a call without a connection is tried again as often as it may, a little later each time", () => {
  const clock = createManualClock();
  const { cluster, waiters } = unreachable();
  const done: Result<unknown>[] = [];
  sendSideRequest(
    {
      cluster,
      head: createRequestHead(),
      body: undefined,
      clock,
      timeoutMs: 60_000,
      maxBytes: 1,
      retry: { times: 2, random: () => 1 },
    },
    (result) => void done.push(result),
  );
  waiters[0]?.onPoolFailure(refused());
  clock.advance(999);
  expect(waiters.length).toBe(1);
  clock.advance(1);
  waiters[1]?.onPoolFailure(refused());
  clock.advance(2999);
  expect(waiters.length).toBe(2);
  clock.advance(1);
  expect(done).toEqual([]);
  waiters[2]?.onPoolFailure(refused());
  expect(done).toMatchObject([{ ok: false, error: "refused" }]);
  clock.advance(60_000);
  expect(waiters.length).toBe(3);
});

test("the time limit ends the waiting for another try", () => {
  const clock = createManualClock();
  const { cluster, waiters } = unreachable();
  const done: Result<unknown>[] = [];
  const request = { cluster, head: createRequestHead(), body: undefined, clock, timeoutMs: 500, maxBytes: 1 };
  sendSideRequest({ ...request, retry: { times: 5, random: () => 1 } }, (result) => void done.push(result));
  waiters[0]?.onPoolFailure(refused());
  clock.advance(5000);
  expect(done).toMatchObject([{ ok: false, error: "no answer within 500 ms" }]);
  expect(waiters.length).toBe(1);
});
