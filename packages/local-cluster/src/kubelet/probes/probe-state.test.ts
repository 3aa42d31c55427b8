import { expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import { decodeContainer } from "../spec/container-spec.ts";
import { startProbes } from "./container-probes.ts";
import { advanceProbe, initialProbeState } from "./probe-state.ts";

const THRESHOLDS = { successThreshold: 2, failureThreshold: 3 };

test("the verdict changes only when a threshold is reached in a row", () => {
  let state = initialProbeState("failure");
  const verdicts = [true, false, true, true, false, false, true, false, false, false].map((ok) => {
    state = advanceProbe(state, { ok, message: "" }, THRESHOLDS);
    return state.verdict;
  });
  expect(verdicts).toEqual([
    "failure",
    "failure",
    "failure",
    "success",
    "success",
    "success",
    "success",
    "success",
    "success",
    "failure",
  ]);
});

test("startup gates the others; liveness asks for a restart", async () => {
  const probe = (path: string) => ({ httpGet: { path, port: 80 }, periodSeconds: 1, failureThreshold: 2 });
  const container = decodeContainer(
    { name: "c", startupProbe: probe("s"), readinessProbe: probe("r"), livenessProbe: probe("l") },
    {},
  );
  const clock = createManualClock(0);
  const seen: string[] = [];
  const answers: Record<string, boolean> = { s: false, r: true, l: true };
  const probes = startProbes(
    container,
    clock,
    ({ action }) => {
      const path = action.kind === "httpGet" ? action.path : "";
      return Promise.resolve({ ok: answers[path] ?? false, message: path });
    },
    {
      started: () => seen.push("started"),
      ready: (ready) => seen.push(`ready ${ready}`),
      failed: (kind) => seen.push(`failed ${kind}`),
      unhealthy: (kind) => seen.push(`unhealthy ${kind}`),
    },
  );
  const step = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  await step(0);
  answers["s"] = true;
  await step(1000);
  await step(0);
  answers["l"] = false;
  await step(1000);
  await step(1000);
  expect(seen).toEqual([
    "unhealthy startup",
    "started",
    "ready true",
    "ready true",
    "unhealthy liveness",
    "ready true",
    "unhealthy liveness",
    "failed liveness",
  ]);
  probes.close();
  await step(5000);
  expect(seen).toHaveLength(8);
});
