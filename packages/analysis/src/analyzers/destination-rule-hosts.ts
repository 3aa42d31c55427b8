import { hostMatches } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { ruleHost } from "./destinations.ts";

/** A DestinationRule is for some service, and its subsets pick pods. */
export const destinationRuleHosts: Analyzer = {
  name: "destinationrule.HostAndSubsets",
  about: "the host of a DestinationRule is a service of the mesh, and each of its subsets selects pods",
  codes: ["IST0173", "IST0174"],
  analyze: (input) => {
    const { objects, services, settings } = input.state;
    return [...objects.destinationRules.values()].flatMap((rule) => {
      const host = ruleHost(rule, settings.domain);
      const targets = [...services.values()].filter(
        ({ hostname }) => hostMatches(host, hostname) || (hostname.startsWith("*") && hostMatches(hostname, host)),
      );
      if (targets.length === 0)
        return [
          finding(
            "IST0174",
            rule.ref,
            "spec.host",
            `unknown host ${host}: no Service or ServiceEntry has it, so the rule has no effect. Correct the name, or write it in full: name.namespace.svc.${settings.domain}`,
          ),
        ];
      const selectors = targets.filter(({ selector }) => Object.keys(selector).length > 0);
      // Subsets of services without pods of ours are chosen by labels of WorkloadEntries, or by DNS.
      if (selectors.length < targets.length) return [];
      return rule.spec.subsets.flatMap((subset, index) => {
        if (Object.keys(subset.labels).length === 0) return [];
        const picks = selectors.some(
          ({ namespace, selector }) => input.selected(namespace, { ...selector, ...subset.labels }).length > 0,
        );
        return picks
          ? []
          : [
              finding(
                "IST0173",
                rule.ref,
                `spec.subsets[${index}].labels`,
                `The Subset ${subset.name} defined in the DestinationRule does not select any pods: none of ${host} has ${JSON.stringify(subset.labels)}; requests to it are answered 503`,
              ),
            ];
      });
    });
  },
};
