import { expect, test } from "bun:test";
import type { RetryPolicyConfig } from "../config/retry-policy.ts";
import { createHost, type Host } from "../upstream/host.ts";
import { excludedPriorities } from "./retry-decision.ts";

const host = (priority: number): Host => createHost({ ip: "127.0.0.1", port: 8000 + priority }, priority, undefined);
const hosts = [host(0), host(1), host(2)];
const excluded = (frequency: number, tried: readonly number[]) => {
  const policy = { priorityFrequency: frequency } as RetryPolicyConfig;
  const found = excludedPriorities(
    policy,
    tried.map((priority) => host(priority)),
    { hosts },
  );
  return [...(found ?? [])];
};

test("priorities of hosts that failed are left out, one more after each failure", () => {
  expect([[], [0], [0, 1]].map((tried) => excluded(1, tried))).toEqual([[], [0], [0, 1]]);
});

test("with a frequency of 2 every second failure counts", () => {
  expect([[0], [0, 0], [0, 0, 1], [0, 0, 1, 1]].map((tried) => excluded(2, tried))).toEqual([[], [0], [0], [0, 1]]);
});

test("once none is left all are there again", () => {
  expect(excluded(1, [0, 1, 2])).toEqual([]);
  expect(excluded(1, [0, 1, 2, 0])).toEqual([0]);
});

test("without a frequency nothing is left out", () => {
  expect(excluded(0, [0, 1])).toEqual([]);
});
