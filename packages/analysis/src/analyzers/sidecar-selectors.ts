import type { Analyzer } from "../analyzer.ts";
import { selectorConflicts } from "./selector-conflicts.ts";

/** One Sidecar for each workload, and one default for each namespace. */
export const sidecarSelectors: Analyzer = {
  name: "sidecar.Selector",
  about:
    "each workload has at most one Sidecar of its own, each namespace one without selector, and selectors find pods",
  codes: ["IST0110", "IST0111", "IST0127"],
  analyze: (input) =>
    selectorConflicts(
      input,
      [...input.state.objects.sidecars.values()].map(({ ref, spec }) => ({
        ref,
        labels: spec.workloadSelector?.labels,
        path: "spec.workloadSelector.labels",
      })),
      { shared: "IST0110", several: "IST0111", none: "IST0127" },
    ),
};
