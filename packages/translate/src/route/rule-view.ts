import type { OutboundView, RoutingRule } from "@heddle/model";
import type { Input } from "../part.ts";
import type { RouteView } from "./http-route.ts";
import type { RuleIndex } from "./rule-index.ts";

/** Of the view only what the routes of `rule` read, so that a change elsewhere leaves their bytes as they are. */
export function ruleView(view: OutboundView, rules: RuleIndex, rule: RoutingRule): RouteView {
  const hosts = new Set<string>();
  for (const { route, mirror, mirrors } of rule.http) {
    for (const { destination } of [...route, ...mirrors]) hosts.add(destination.host);
    if (mirror !== undefined) hosts.add(mirror.host);
  }
  const names = [...hosts];
  return {
    settings: view.settings,
    services: names.flatMap((name) => rules.serviceOf(name) ?? []),
    policies: Object.fromEntries(
      names.flatMap((name) => {
        const policy = view.policies[name];
        return policy === undefined ? [] : [[name, policy]];
      }),
    ),
  };
}

/** What the routes of `rule` depend on. */
export function ruleInputs({ settings, services, policies }: RouteView, rule: RoutingRule): readonly Input[] {
  return [rule, settings.mesh, ...services, ...Object.entries(policies).flat()];
}
