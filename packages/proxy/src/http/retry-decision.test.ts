import { describe, expect, test } from "bun:test";
import { fromJson } from "@bufbuild/protobuf";
import { createManualClock } from "@heddle/std";
import { createResponseHead, headerListOf, type ResponseHead } from "@heddle/wire";
import { RetryPolicySchema } from "../config/proto.ts";
import { decodeRetryPolicy, RETRY_ON, type RetryPolicyConfig } from "../config/retry-policy.ts";
import { createScope } from "../config/scope.ts";
import { createClusterCounters } from "../upstream/counters.ts";
import { type UpstreamFailureCode, upstreamFailure } from "../upstream/failure.ts";
import { backOff, retriesFailure, retriesResponse, usedUp } from "./retry-decision.ts";

function policy(on: string, more: Readonly<Record<string, unknown>> = {}): RetryPolicyConfig {
  return decodeRetryPolicy(fromJson(RetryPolicySchema, { retry_on: on, ...more } as never), createScope());
}

function answer(status: number, headers: readonly (readonly [string, string])[] = []): ResponseHead {
  const head = createResponseHead();
  head.status = status;
  head.headers = headerListOf(headers);
  return head;
}

const conditions = Object.keys(RETRY_ON);
const withAll = { retriable_status_codes: [418], retriable_headers: [{ name: "x-again", present_match: true }] };

describe("the conditions that a response meets", () => {
  const rows: readonly (readonly [string, ResponseHead, readonly string[]])[] = [
    ["200", answer(200), []],
    ["404", answer(404), []],
    ["409", answer(409), ["retriable-4xx"]],
    ["418, which is listed", answer(418), ["retriable-status-codes"]],
    ["500", answer(500), ["5xx"]],
    ["501", answer(501), ["5xx"]],
    ["502", answer(502), ["5xx", "gateway-error"]],
    ["503", answer(503), ["5xx", "gateway-error"]],
    ["504", answer(504), ["5xx", "gateway-error"]],
    ["505", answer(505), ["5xx"]],
    ["a header that is listed", answer(200, [["x-again", ""]]), ["retriable-headers"]],
    ["503 that was limited", answer(503, [["x-envoy-ratelimited", "true"]]), ["envoy-ratelimited"]],
    ["409 that was limited", answer(409, [["x-envoy-ratelimited", "true"]]), ["envoy-ratelimited"]],
    ["gRPC 0", answer(200, [["grpc-status", "0"]]), []],
    ["gRPC 1", answer(200, [["grpc-status", "1"]]), ["cancelled"]],
    ["gRPC 2", answer(200, [["grpc-status", "2"]]), []],
    ["gRPC 4", answer(200, [["grpc-status", "4"]]), ["deadline-exceeded"]],
    ["gRPC 8", answer(200, [["grpc-status", "8"]]), ["resource-exhausted"]],
    ["gRPC 13", answer(200, [["grpc-status", "13"]]), ["internal"]],
    ["gRPC 14", answer(200, [["grpc-status", "14"]]), ["unavailable"]],
  ];
  test.each(rows)("%s", (_name, head, met) => {
    expect(conditions.filter((on) => retriesResponse(policy(on, withAll), head))).toEqual([...met]);
  });
});

describe("the conditions that a failure meets", () => {
  const any = ["5xx", "gateway-error", "reset"];
  const rows: readonly (readonly [UpstreamFailureCode, boolean, readonly string[]])[] = [
    ["connect-failed", false, [...any, "connect-failure", "reset-before-request"]],
    ["connect-timeout", false, [...any, "connect-failure", "reset-before-request"]],
    ["tls-failed", false, [...any, "connect-failure", "reset-before-request"]],
    ["refused-stream", true, [...any, "refused-stream", "reset-before-request"]],
    ["reset", true, any],
    ["reset", false, [...any, "reset-before-request"]],
    ["connection-closed", true, any],
    ["connection-closed", false, [...any, "reset-before-request"]],
    ["protocol", true, any],
    ["max-stream", true, any],
    ["per-try-idle", true, any],
    ["per-try-timeout", true, any],
    ["no-cluster", false, []],
    ["no-healthy-host", false, []],
    ["overflow", false, []],
    ["timeout", true, []],
  ];
  test.each(rows)("%s, sent: %p", (code, sent, met) => {
    const failure = upstreamFailure(code, "");
    expect(conditions.filter((on) => retriesFailure(policy(on), failure, sent))).toEqual([...met]);
  });
});

test("tries are used up by the one after the last retry", () => {
  const two = policy("5xx", { num_retries: 2 });
  expect([1, 2, 3].map((attempts) => usedUp(two, attempts))).toEqual([false, false, true]);
  expect(usedUp(policy("5xx", { num_retries: 0 }), 1)).toBe(false);
});

describe("when the next try starts", () => {
  const limited = policy("5xx", {
    retry_back_off: { base_interval: "0.1s", max_interval: "0.3s" },
    rate_limited_retry_back_off: {
      reset_headers: [{ name: "X-Reset" }, { name: "x-at", format: "UNIX_TIMESTAMP" }],
      max_interval: "60s",
    },
  });
  const rows: readonly (readonly [string, number, ResponseHead | undefined, number, number])[] = [
    ["the first within the base", 1, undefined, 50, 0],
    ["the second within twice the base", 2, undefined, 100, 0],
    ["the third within the longest", 3, undefined, 150, 0],
    ["seconds of the server, and up to half more", 1, answer(503, [["x-reset", "2"]]), 2500, 1],
    ["the server's time of day", 1, answer(503, [["x-at", "1010"]]), 12_500, 1],
    ["a time that is over", 1, answer(503, [["x-at", "990"]]), 50, 0],
    ["later than allowed", 1, answer(503, [["x-reset", "61"]]), 50, 0],
    ["no number", 1, answer(503, [["x-reset", "soon"]]), 50, 0],
    [
      "no number, but a second header",
      1,
      answer(503, [
        ["x-reset", "soon"],
        ["x-at", "1010"],
      ]),
      12_500,
      1,
    ],
  ];
  test.each(rows)("%s", (_name, attempts, head, delayMs, byServer) => {
    const clock = createManualClock(1_000_000);
    const counters = createClusterCounters();
    let started = 0;
    backOff(limited, attempts, head, counters, { clock, random: () => 0.5 }, () => started++);
    clock.advance(delayMs - 1);
    expect([started, counters.retries]).toEqual([0, 1]);
    clock.advance(1);
    expect([started, counters.retries, counters.retriesTotal, counters.retriesByServer]).toEqual([1, 0, 1, byServer]);
  });
});
