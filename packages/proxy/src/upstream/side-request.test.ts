import { expect, test } from "bun:test";
import { createManualClock, type Result } from "@heddle/std";
import { createRequestHead, type StreamHandler, type WireFailureCode, wireFailure } from "@heddle/wire";
import type { Cluster } from "./cluster.ts";
import { upstreamFailure } from "./failure.ts";
import type { PooledConnection, PoolWaiter } from "./pool.ts";
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

/** A cluster whose connections have carried `requests` before, and what streams they got. */
function connected(requests: number, capacity: number) {
  const handlers: StreamHandler[] = [];
  const fresh: (boolean | undefined)[] = [];
  const http = {
    capacity,
    request: (_head: unknown, _end: boolean, handler: StreamHandler) => {
      handlers.push(handler);
      return { sendData: () => true, reset: () => undefined };
    },
  };
  const connection = { http, secure: false, requests: requests + 1, waited: false } as unknown as PooledConnection;
  const pool = {
    acquire: (waiter: PoolWaiter, rather?: boolean) => {
      fresh.push(rather);
      waiter.onConnection(connection);
    },
    cancel: () => undefined,
  };
  const cluster = { config: { http: { protocol: "http1" } }, pick: () => ({}), pool: () => pool };
  return { handlers, fresh, cluster: cluster as unknown as Cluster };
}

const LOST: readonly {
  what: string;
  method: string;
  code: WireFailureCode;
  retryable: boolean;
  before: number;
  capacity: number;
  moves: number;
}[] = [
  {
    what: "a GET with a kept-alive connection",
    method: "GET",
    code: "connection-closed",
    retryable: false,
    before: 1,
    capacity: 0,
    moves: 2,
  },
  {
    what: "a POST of which nothing was sent",
    method: "POST",
    code: "connection-closed",
    retryable: true,
    before: 1,
    capacity: 0,
    moves: 2,
  },
  {
    what: "a POST that may have been read",
    method: "POST",
    code: "connection-closed",
    retryable: false,
    before: 1,
    capacity: 0,
    moves: 0,
  },
  {
    what: "a GET with a new connection",
    method: "GET",
    code: "connection-closed",
    retryable: false,
    before: 0,
    capacity: 0,
    moves: 0,
  },
  {
    what: "a POST that a GOAWAY leaves behind",
    method: "POST",
    code: "refused",
    retryable: true,
    before: 0,
    capacity: 0,
    moves: 2,
  },
  {
    what: "a POST that is refused alone",
    method: "POST",
    code: "refused",
    retryable: true,
    before: 1,
    capacity: 9,
    moves: 0,
  },
];
for (const { what, method, code, retryable, before, capacity, moves } of LOST) {
  test(`${what}: ${moves === 0 ? "that is told" : "it gets another connection, twice at most"}`, () => {
    const { cluster, handlers, fresh } = connected(before, capacity);
    const done: Result<unknown>[] = [];
    const head = Object.assign(createRequestHead(), { method });
    const body = method === "POST" ? new Uint8Array(1) : undefined;
    const request = { cluster, head, body, clock: createManualClock(), timeoutMs: 500, maxBytes: 1 };
    sendSideRequest(request, (result) => void done.push(result));
    for (let i = 0; i <= moves; i++) {
      expect(done).toEqual([]);
      handlers[i]?.onReset({} as never, wireFailure(code, "lost", { retryable }));
      handlers[i]?.onClose({} as never);
    }
    expect(done).toMatchObject([{ ok: false, error: "lost" }]);
    expect(fresh).toEqual([false, true, true].slice(0, moves + 1));
  });
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
