import { hostMatches, type MeshService, type OutboundView, type RoutingRule } from "@heddle/model";

/** Finds the routing rule of a host: one that names it exactly, else the longest wildcard; among equals the oldest. */
export interface RuleIndex {
  ruleOf(hostname: string): RoutingRule | undefined;
  serviceOf(hostname: string): MeshService | undefined;
  /** Hosts of rules that are no service of the registry, with their rule. */
  readonly otherHosts: readonly (readonly [string, RoutingRule])[];
}

export function createRuleIndex(view: OutboundView): RuleIndex {
  const exact = new Map<string, RoutingRule>();
  const wildcards: (readonly [string, RoutingRule])[] = [];
  const services = new Map(view.services.map((service) => [service.hostname, service]));
  const otherHosts: (readonly [string, RoutingRule])[] = [];
  for (const rule of view.rules) {
    for (const host of rule.hosts) {
      if (host.startsWith("*")) wildcards.push([host, rule]);
      else if (exact.has(host)) continue;
      else exact.set(host, rule);
      if (!services.has(host) && !otherHosts.some(([other]) => other === host)) otherHosts.push([host, rule]);
    }
  }
  wildcards.sort(([a], [b]) => b.length - a.length);
  return {
    otherHosts,
    serviceOf: (hostname) => services.get(hostname),
    ruleOf: (hostname) => exact.get(hostname) ?? wildcards.find(([pattern]) => hostMatches(pattern, hostname))?.[1],
  };
}
