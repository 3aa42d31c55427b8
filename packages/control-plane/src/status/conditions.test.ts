import { expect, test } from "bun:test";
import { reconciled, withCondition } from "./conditions.ts";

const problem = (severity: "error" | "warning", path: string, reason: string) => ({
  severity,
  path,
  reason,
  source: "",
});

test("errors make a resource not reconciled; warnings are told; neither is said by one word", () => {
  expect(reconciled([])).toMatchObject({ status: "True", reason: "Valid" });
  expect(reconciled([problem("warning", "spec.a", "has no effect")])).toMatchObject({
    status: "True",
    reason: "AcceptedWithWarnings",
    message: "spec.a: has no effect",
  });
  const both = reconciled([problem("warning", "spec.a", "x"), problem("error", "spec.b", "is required")]);
  expect(both).toMatchObject({ status: "False", reason: "Invalid" });
  expect(both.message).toEndWith("spec.b: is required");
});

test("other conditions stay, the time of a transition stays with its state, and nothing is written twice", () => {
  const other = { type: "Other", status: "True" };
  const first = withCondition({ conditions: [other] }, reconciled([]), 1, "T1");
  expect(first).toEqual([
    other,
    {
      type: "Reconciled",
      status: "True",
      reason: "Valid",
      message: "in force",
      observedGeneration: 1,
      lastTransitionTime: "T1",
    },
  ]);
  expect(withCondition({ conditions: first }, reconciled([]), 1, "T2")).toBeUndefined();
  const newer = withCondition({ conditions: first }, reconciled([]), 2, "T2");
  expect(newer?.[1]).toMatchObject({ observedGeneration: 2, lastTransitionTime: "T1" });
  const broken = withCondition({ conditions: newer }, reconciled([problem("error", "", "x")]), 3, "T3");
  expect(broken?.[1]).toMatchObject({ status: "False", lastTransitionTime: "T3" });
});
