import { expect, test } from "bun:test";
import type { CheckCategory, CheckTarget } from "./check.ts";
import { renderCategory, renderCheck, renderShort, renderSummary } from "./render.ts";
import { runChecks } from "./runner.ts";

const target: CheckTarget = {
  client: () => Promise.reject(new Error("no cluster in this test")),
  meshNamespace: "istio-system",
  dataPlaneNamespace: undefined,
  cliVersion: "0.1.0",
  now: () => new Date(0),
};

const item = (description: string, severity: "fatal" | "warning", fail?: string) => ({
  description,
  severity,
  anchor: "a",
  run: async () => {
    if (fail) throw new Error(fail);
  },
});

async function run(categories: readonly CheckCategory[], waitMs = 0) {
  let printed = "";
  let now = 0;
  const outcome = await runChecks(categories, target, {
    waitMs,
    sleep: async (ms) => {
      now += ms;
    },
    nowMs: () => now,
    onCategory: (name) => {
      printed += renderCategory(name, printed === "");
    },
    onCheck: (check) => {
      printed += renderCheck(check);
    },
  });
  return { ...outcome, printed: printed + renderSummary(outcome.success) };
}

test("prints Linkerd's form and goes on after warnings", async () => {
  const { success, printed } = await run([
    { name: "kubernetes-api", items: [item("a", "fatal"), item("b", "warning", "old")] },
  ]);
  expect(success).toBe(true);
  expect(printed).toBe(
    "kubernetes-api\n--------------\n√ a\n‼ b\n    old\n    see docs/checks.md#a for hints\n\nStatus check results are √\n",
  );
});

test("a fatal failure ends everything behind it", async () => {
  const { success, categories } = await run([
    { name: "one", items: [item("a", "fatal", "broken"), item("never", "fatal")] },
    { name: "two", items: [item("never", "fatal")] },
  ]);
  expect(success).toBe(false);
  expect(categories.map((c) => c.checks.length)).toEqual([1]);
  expect(renderShort(categories, success)).toContain("× a\n    broken");
});

test("what comes up by itself is waited for", async () => {
  let calls = 0;
  const slow = {
    ...item("slow", "fatal"),
    retry: true,
    run: async () => {
      if (++calls < 3) throw new Error("not yet");
    },
  };
  expect((await run([{ name: "x", items: [slow] }], 10_000)).success).toBe(true);
  expect(calls).toBe(3);
});
