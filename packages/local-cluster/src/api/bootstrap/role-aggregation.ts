import type { ClusterApi, KubeObject } from "../../contract/index.ts";
import { at, list, sameJson } from "../json/json-value.ts";
import { labelSelectorMatcher } from "../store/label-selector.ts";

const ROLES = { group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterroles" } as const;

function rulesFor(role: KubeObject, all: readonly KubeObject[]): readonly unknown[] {
  const matchers = list(at(role, "aggregationRule", "clusterRoleSelectors")).map(labelSelectorMatcher);
  const rules: unknown[] = [];
  for (const other of all) {
    if (other.metadata.name === role.metadata.name || !matchers.some((matches) => matches(other.metadata.labels)))
      continue;
    for (const rule of list(other["rules"])) if (!rules.some((known) => sameJson(known, rule))) rules.push(rule);
  }
  return rules;
}

/** Keeps the rules of aggregated cluster roles equal to the union of what they select. */
export function startRoleAggregation(api: ClusterApi, onFailure: (error: unknown) => void): { close(): void } {
  let running = false;
  let again = false;

  async function pass(): Promise<void> {
    const all = await api.list(ROLES);
    for (const role of all) {
      if (role["aggregationRule"] === undefined) continue;
      const rules = rulesFor(role, all);
      if (!sameJson(rules, list(role["rules"]))) await api.patch(ROLES, undefined, role.metadata.name, { rules });
    }
  }

  async function run(): Promise<void> {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      await pass().catch(onFailure);
    } while (again);
    running = false;
  }

  return api.watch(ROLES, {}, () => void run());
}
