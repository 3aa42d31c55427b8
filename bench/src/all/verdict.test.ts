import { expect, test } from "bun:test";
import { verdicts } from "./verdict.ts";

test("a target is reached, missed or not measured by the median of the ratio", () => {
  const spread = { median: 0.4, min: 0.1, max: 0.9 };
  const comparison = { variants: {}, ratios: { "heddle/envoy": { cpu: spread } } };
  const outcome = (target: { figure?: string; against?: "envoy" | "nginx"; atMost?: number; atLeast?: number }) =>
    verdicts([{ text: "t", against: "envoy", figure: "cpu", ...target }], comparison)[0]?.outcome;
  expect(outcome({ atMost: 0.4 })).toBe("reached");
  expect(outcome({ atMost: 0.39 })).toBe("missed");
  expect(outcome({ atLeast: 1 })).toBe("missed");
  expect(outcome({ atLeast: 0.3 })).toBe("reached");
  expect(outcome({ figure: "rss", atMost: 1 })).toBe("not measured");
  expect(outcome({ against: "nginx", atMost: 1 })).toBe("not measured");
});
