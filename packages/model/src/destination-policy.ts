import {
  type DestinationRule,
  labelsMatch,
  type ObjectRef,
  resolveHost,
  type StringMap,
  type Subset,
  type TrafficPolicy,
} from "@heddle/config";
import { byAge, hostMatches, isExported, specificity } from "./namespace-scope.ts";
import type { MeshService } from "./service.ts";
import type { MeshState } from "./state.ts";
import type { Located, WrittenAt } from "./written-at.ts";

/** What the DestinationRules say about one service, for one client. */
export interface DestinationPolicy {
  readonly trafficPolicy: TrafficPolicy | undefined;
  /** Where `trafficPolicy` was written. */
  readonly trafficPolicyAt: WrittenAt | undefined;
  readonly subsets: readonly Located<Subset>[];
  readonly sources: readonly ObjectRef[];
  /** The rule is for workloads that it names, so their Secrets are meant for them. */
  readonly namesWorkloads: boolean;
}

/** The rules of a mesh by the host that they are for, so that a service meets only those that can concern it. */
export interface DestinationIndex {
  rulesOf(hostname: string): readonly DestinationRule[];
}

export function createDestinationIndex(state: MeshState): DestinationIndex {
  const exact = new Map<string, DestinationRule[]>();
  const wildcards: (readonly [string, DestinationRule])[] = [];
  for (const rule of state.objects.destinationRules.values()) {
    const host = hostOf(rule, state.settings.domain);
    if (host.startsWith("*")) wildcards.push([host, rule]);
    else exact.set(host, [...(exact.get(host) ?? []), rule]);
  }
  return {
    rulesOf: (hostname) => {
      const found = exact.get(hostname) ?? [];
      return wildcards.length === 0
        ? found
        : [...found, ...wildcards.filter(([pattern]) => hostMatches(pattern, hostname)).map(([, rule]) => rule)];
    },
  };
}

/**
 * Finds the rule of a service: in the client's namespace, then the service's, then the root namespace; the most specific host wins.
 * Rules of one namespace for one host are merged: the oldest traffic policy counts, subsets add up.
 */
export function destinationPolicy(
  state: MeshState,
  index: DestinationIndex,
  service: MeshService,
  client: { readonly namespace: string; readonly labels: StringMap },
): DestinationPolicy | undefined {
  const { settings } = state;
  const candidates = index.rulesOf(service.hostname);
  if (candidates.length === 0) return undefined;
  for (const namespace of new Set([client.namespace, service.namespace, settings.rootNamespace])) {
    const found = candidates.filter((rule) => {
      if (rule.ref.namespace !== namespace) return false;
      const exported =
        rule.spec.exportTo.length > 0 ? rule.spec.exportTo : settings.mesh.defaultDestinationRuleExportTo;
      if (!isExported(exported, namespace, client.namespace)) return false;
      const selector = rule.spec.workloadSelector?.matchLabels;
      return selector === undefined || (namespace === client.namespace && labelsMatch(selector, client.labels));
    });
    if (found.length > 0) return merge(found, settings.domain);
  }
  return undefined;
}

/** Any rule that defines the subset, for clients that nobody knows: the service's namespace first. */
export function subsetLabels(state: MeshState, service: MeshService, subset: string): StringMap | undefined {
  const rules = [...state.objects.destinationRules.values()]
    .filter((rule) => hostMatches(hostOf(rule, state.settings.domain), service.hostname))
    .sort(
      (a, b) =>
        Number(b.ref.namespace === service.namespace) - Number(a.ref.namespace === service.namespace) || byAge(a, b),
    );
  for (const rule of rules) {
    const found = rule.spec.subsets.find((candidate) => candidate.name === subset);
    if (found !== undefined) return found.labels;
  }
  return undefined;
}

function hostOf(rule: DestinationRule, domain: string): string {
  return resolveHost(rule.spec.host, rule.ref.namespace, domain);
}

function merge(found: readonly DestinationRule[], domain: string): DestinationPolicy {
  const narrowest = Math.max(...found.map((rule) => specificity(hostOf(rule, domain))));
  // A rule that names workloads beats one for all.
  const rules = found
    .filter((rule) => specificity(hostOf(rule, domain)) === narrowest)
    .sort(
      (a, b) =>
        Number(b.spec.workloadSelector !== undefined) - Number(a.spec.workloadSelector !== undefined) || byAge(a, b),
    );
  const subsets = new Map<string, Located<Subset>>();
  for (const rule of rules) {
    rule.spec.subsets.forEach((subset, index) => {
      if (subsets.has(subset.name)) return;
      subsets.set(subset.name, { ...subset, at: { source: rule.ref, path: `spec.subsets[${index}]` } });
    });
  }
  const wide = rules.find((rule) => rule.spec.trafficPolicy !== undefined);
  return {
    trafficPolicy: wide?.spec.trafficPolicy,
    trafficPolicyAt: wide === undefined ? undefined : { source: wide.ref, path: "spec.trafficPolicy" },
    subsets: [...subsets.values()],
    sources: rules.map((rule) => rule.ref),
    namesWorkloads: rules[0]?.spec.workloadSelector !== undefined,
  };
}
