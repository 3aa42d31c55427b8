import type { Comparison } from "../compare/rounds.ts";
import type { Target } from "./row.ts";

/** Whether a target was reached in this run. */
export interface Verdict {
  readonly outcome: "reached" | "missed" | "not measured";
  readonly text: string;
}

/** Compares the medians of the ratios with the targets. */
export function verdicts(targets: readonly Target[], comparison: Comparison): readonly Verdict[] {
  return targets.map(({ text, against, figure, atMost, atLeast }) => {
    const median = comparison.ratios[`heddle/${against}`]?.[figure]?.median;
    if (median === undefined || Number.isNaN(median)) return { outcome: "not measured", text };
    const reached = (atMost === undefined || median <= atMost) && (atLeast === undefined || median >= atLeast);
    return { outcome: reached ? "reached" : "missed", text: `${text}: ${median.toFixed(2)}` };
  });
}
