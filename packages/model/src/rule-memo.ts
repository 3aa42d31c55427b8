import type { ServiceProfile, VirtualService } from "@heddle/config";
import type { RoutingClient, RoutingRule } from "./routing-rules.ts";

/** Keeps rules that are the same for every sidecar: most VirtualServices ask neither who calls nor another one. */
export interface RuleMemo {
  of(service: VirtualService, client: RoutingClient, domain: string, make: () => RoutingRule): RoutingRule;
  /** A profile's rule is the same for all. */
  ofProfile(profile: ServiceProfile, make: () => RoutingRule): RoutingRule;
}

class SidecarRules implements RuleMemo {
  /** Undefined: it depends on the client or on its delegates. */
  readonly #rules = new WeakMap<VirtualService, Map<string, RoutingRule> | undefined>();

  readonly #profiles = new WeakMap<ServiceProfile, RoutingRule>();

  ofProfile(profile: ServiceProfile, make: () => RoutingRule): RoutingRule {
    const known = this.#profiles.get(profile);
    if (known !== undefined) return known;
    const rule = make();
    this.#profiles.set(profile, rule);
    return rule;
  }

  of(service: VirtualService, client: RoutingClient, domain: string, make: () => RoutingRule): RoutingRule {
    if (client.gateways.length !== 1 || client.gateways[0] !== "mesh") return make();
    let byDomain = this.#rules.get(service);
    if (byDomain === undefined) {
      if (this.#rules.has(service)) return make();
      byDomain = isAlike(service) ? new Map() : undefined;
      this.#rules.set(service, byDomain);
      if (byDomain === undefined) return make();
    }
    const known = byDomain.get(domain);
    if (known !== undefined) return known;
    const rule = make();
    byDomain.set(domain, rule);
    return rule;
  }
}

function isAlike({ spec }: VirtualService): boolean {
  const everyone = (match: {
    readonly sourceLabels: object;
    readonly gateways: readonly string[];
    readonly sourceNamespace?: string;
  }): boolean =>
    Object.keys(match.sourceLabels).length === 0 && match.gateways.length === 0 && match.sourceNamespace === undefined;
  return (
    spec.http.every((route) => route.delegate === undefined && route.match.every(everyone)) &&
    spec.tls.every((route) => route.match.every(everyone)) &&
    spec.tcp.every((route) => route.match.every(everyone))
  );
}

export function createRuleMemo(): RuleMemo {
  return new SidecarRules();
}
