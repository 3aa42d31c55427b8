import { expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import { createRequestHead, createResponseHead, type ResponseHead } from "@heddle/wire";
import type { AdmissionControlConfig } from "../config/filters/admission-control.ts";
import { createAdmissionControlFilter } from "./admission-control-filter.ts";
import { createAnswerWindow } from "./answer-window.ts";
import type { FilterCall, FilterSurroundings } from "./http-filter.ts";

const fixed = (base: number) => ({ key: "", base });
const CONFIG: AdmissionControlConfig = {
  kind: "admission-control",
  enabled: { key: "", base: true },
  httpSuccess: [[100, 500]],
  grpcSuccess: new Set([0]),
  windowMs: 10_000,
  aggression: fixed(1),
  successThreshold: fixed(50),
  rateThreshold: fixed(0),
  maxRejection: fixed(80),
};

/** A filter before a server that answers as it is told. */
function admitted(fields: Partial<AdmissionControlConfig> = {}) {
  const clock = createManualClock();
  const counts: string[] = [];
  let chance = 0;
  const around = {
    clock,
    random: () => chance,
    runtime: { flag: ({ base }: { base: boolean }) => base, number: ({ base }: { base: number }) => base },
    count: (name: string) => counts.push(name.slice("admission_control.".length)),
  } as unknown as FilterSurroundings;
  const filter = createAdmissionControlFilter({ ...CONFIG, ...fields }, around);
  const ask = (status: number, type = "text/plain", trailerStatus = -1): boolean => {
    const head = createResponseHead();
    head.status = status;
    head.headers.append("content-type", type);
    let onResponse: (head: ResponseHead) => void = () => {};
    let onEnd = () => {};
    const call = {
      request: createRequestHead(),
      exchange: { grpcStatus: trailerStatus },
      onEnd: (callback: () => void) => {
        onEnd = callback;
      },
      onResponse: (callback: typeof onResponse) => {
        onResponse = callback;
      },
      reply: () => {},
    } as unknown as FilterCall;
    const passed = filter.onRequest(call);
    if (passed) onResponse(head);
    onEnd();
    return passed;
  };
  return {
    clock,
    counts,
    ask,
    setChance: (to: number) => {
      chance = to;
    },
  };
}

test("the more fail, the more are refused, up to a share", () => {
  const { ask, setChance } = admitted();
  setChance(0.999);
  for (let i = 0; i < 2; i++) expect(ask(503)).toBe(true);
  // 2 of 2 failed: 2 / 3.
  setChance(0.67);
  expect(ask(200)).toBe(true);
  // 2 of 3 failed: (3 - 1 / 0.5) / 4.
  setChance(0.24);
  expect(ask(200)).toBe(false);
  setChance(1);
  for (let i = 0; i < 100; i++) ask(503);
  setChance(0.79);
  expect(ask(200)).toBe(false);
  setChance(0.81);
  expect(ask(200)).toBe(true);
});

test("a success rate above the threshold refuses nobody", () => {
  const { ask } = admitted();
  expect(ask(200)).toBe(true);
  expect(ask(503)).toBe(true);
  expect(ask(200)).toBe(true);
});

test("answers are forgotten after the window", () => {
  const { ask, clock, setChance } = admitted();
  setChance(0.5);
  for (let i = 0; i < 50; i++) ask(503);
  expect(ask(200)).toBe(false);
  clock.advance(9999);
  expect(ask(200)).toBe(false);
  clock.advance(1);
  expect(ask(200)).toBe(true);
});

test("gRPC is judged by the status in its trailers, and not at all without one", () => {
  const { ask, counts, setChance } = admitted();
  setChance(1);
  ask(200, "application/grpc", 0);
  ask(200, "application/grpc+proto", 14);
  ask(200, "application/grpc", -1);
  ask(503, "application/grpc", -1);
  expect(counts).toEqual(["rq_success", "rq_failure", "rq_failure"]);
});

test("a rate is of whole seconds, one at least", () => {
  let nowMs = 0;
  const window = createAnswerWindow(10_000, () => nowMs);
  expect(window.rate()).toBe(0);
  for (let i = 0; i < 5; i++) window.record(true);
  expect(window.rate()).toBe(5);
  nowMs = 1999;
  window.record(false);
  expect(window.rate()).toBe(6);
  nowMs = 4000;
  expect(window.rate()).toBe(1);
  nowMs = 10_000;
  window.update();
  expect([window.requests, window.successes]).toEqual([1, 0]);
});
