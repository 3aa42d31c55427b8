import { expect, test } from "bun:test";
import { type LogFacts, passesFilter } from "./log-filter.ts";

test.each([
  [{ userAgent: "curl", healthCheck: true }, false],
  [{ userAgent: "curl", healthCheck: false }, true],
  [{ userAgent: "curl" }, true],
  [{ userAgent: "kube-probe/1.30" }, false],
] as const)("no health check: %o", (facts, passes) => {
  expect(passesFilter({ kind: "not-health-check" }, facts as unknown as LogFacts)).toBe(passes);
});
