import { expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import { createRequestHead, createResponseHead, type ResponseHead } from "@heddle/wire";
import type { HealthCheckFilterConfig } from "../config/filters/health-check.ts";
import { createHealthCheckFilter } from "./health-check-filter.ts";
import type { FilterCall, FilterReply, FilterSurroundings } from "./http-filter.ts";

const CACHING: HealthCheckFilterConfig = {
  kind: "health-check",
  headers: [],
  passes: true,
  cacheMs: 1000,
  clusters: [],
};

/** A filter whose server answers with `status` when it is asked. */
function checked(config: HealthCheckFilterConfig) {
  const clock = createManualClock();
  const health = { failed: false };
  const around = { clock, health, serviceCluster: "me", count: () => {} } as unknown as FilterSurroundings;
  const filter = createHealthCheckFilter(config, around);
  const ask = (status: number): { asked: boolean; status: number; headers: ResponseHead["headers"] } => {
    const head = createResponseHead();
    head.status = status;
    let onResponse: (head: ResponseHead) => void = () => {};
    const call = {
      request: createRequestHead(),
      markHealthCheck: () => {},
      onEnd: () => {},
      onResponse: (callback: typeof onResponse) => {
        onResponse = callback;
      },
      reply: (reply: FilterReply) => {
        head.status = reply.status;
        for (const [name, value] of reply.headers ?? []) head.headers.append(name, value);
      },
    } as unknown as FilterCall;
    const asked = filter.onRequest(call);
    onResponse(head);
    return { asked, status: head.status, headers: head.headers };
  };
  return { clock, health, ask };
}

test("the server is asked once in each period", () => {
  const { clock, ask } = checked(CACHING);
  expect(ask(500)).toMatchObject({ asked: true, status: 500 });
  clock.advance(999);
  expect(ask(200)).toMatchObject({ asked: false, status: 500 });
  clock.advance(1);
  expect(ask(200)).toMatchObject({ asked: true, status: 200 });
  expect(ask(500)).toMatchObject({ asked: false, status: 200 });
  clock.advance(5000);
  expect(ask(404)).toMatchObject({ asked: true, status: 404 });
});

test("without a cache it is asked each time, unless the proxy fails", () => {
  const { health, ask } = checked({ ...CACHING, cacheMs: undefined });
  expect(ask(200).asked).toBe(true);
  expect(ask(500)).toMatchObject({ asked: true, status: 500 });
  health.failed = true;
  const failed = ask(200);
  expect(failed).toMatchObject({ asked: false, status: 503 });
  expect(failed.headers.get("x-envoy-immediate-health-check-fail")).toBe("true");
  expect(failed.headers.get("x-envoy-upstream-healthchecked-cluster")).toBe("me");
});
