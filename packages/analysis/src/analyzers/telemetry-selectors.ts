import type { Analyzer } from "../analyzer.ts";
import { missingTargets, targetSelections } from "./gateway-targets.ts";
import { selectorConflicts } from "./selector-conflicts.ts";

/** One Telemetry for each workload, and one default for each namespace. */
export const telemetrySelectors: Analyzer = {
  name: "telemetry.Selector",
  about:
    "each workload has at most one Telemetry of its own, each namespace one without selector; selectors find pods, targets are Gateways that exist",
  codes: ["IST0159", "IST0160", "IST0127", "IST0101"],
  analyze: (input) => {
    const telemetries = [...input.state.objects.telemetries.values()];
    const targets = telemetries.flatMap((one) => targetSelections(one, input));
    const targeting = new Set(targets.map(({ ref }) => ref));
    return [
      ...selectorConflicts(
        input,
        [
          ...telemetries
            .filter(({ ref }) => !targeting.has(ref))
            .map(({ ref, spec }) => ({
              ref,
              labels: spec.selector?.matchLabels,
              path: "spec.selector.matchLabels",
            })),
          ...targets.filter(({ labels }) => labels !== undefined),
        ],
        { shared: "IST0159", several: "IST0160", none: "IST0127" },
      ),
      ...missingTargets(targets),
    ];
  },
};
