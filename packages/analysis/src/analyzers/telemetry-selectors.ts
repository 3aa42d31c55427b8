import type { Analyzer } from "../analyzer.ts";
import { selectorConflicts } from "./selector-conflicts.ts";

/** One Telemetry for each workload, and one default for each namespace. */
export const telemetrySelectors: Analyzer = {
  name: "telemetry.Selector",
  about:
    "each workload has at most one Telemetry of its own, each namespace one without selector, and selectors find pods",
  codes: ["IST0159", "IST0160", "IST0127"],
  analyze: (input) =>
    selectorConflicts(
      input,
      [...input.state.objects.telemetries.values()].map(({ ref, spec }) => ({
        ref,
        labels: spec.selector?.matchLabels,
        path: "spec.selector.matchLabels",
      })),
      { shared: "IST0159", several: "IST0160", none: "IST0127" },
    ),
};
