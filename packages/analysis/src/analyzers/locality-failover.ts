import type { DestinationRule, TrafficPolicy } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";

/** Failover between localities needs to know which endpoints fail. */
export const localityFailover: Analyzer = {
  name: "destinationrule.LocalityFailover",
  about: "locality failover has outlier detection, without which it does nothing",
  codes: ["IST0133"],
  analyze: ({ state }) => [...state.objects.destinationRules.values()].flatMap(ofRule),
};

function ofRule(rule: DestinationRule): readonly Finding[] {
  const wide = rule.spec.trafficPolicy;
  const check = (
    policy: Pick<TrafficPolicy, "loadBalancer" | "outlierDetection"> | undefined,
    path: string,
    inherits: boolean,
  ) => {
    const setting = policy?.loadBalancer?.localityLbSetting;
    const fails = setting !== undefined && setting.failover.length + setting.failoverPriority.length > 0;
    const detects = policy?.outlierDetection !== undefined || (inherits && wide?.outlierDetection !== undefined);
    return fails && !detects
      ? [
          finding(
            "IST0133",
            rule.ref,
            `${path}.loadBalancer.localityLbSetting`,
            "has failover but no outlierDetection, so failing endpoints are never noticed and traffic never moves; add outlierDetection beside loadBalancer",
          ),
        ]
      : [];
  };
  return [
    ...check(wide, "spec.trafficPolicy", false),
    ...(wide?.portLevelSettings ?? []).flatMap((level, i) =>
      check(level, `spec.trafficPolicy.portLevelSettings[${i}]`, false),
    ),
    ...rule.spec.subsets.flatMap((subset, i) => check(subset.trafficPolicy, `spec.subsets[${i}].trafficPolicy`, true)),
  ];
}
