import { type AuthorizationRule, labelsMatch, type ObjectRef, type StringMap, targetsOf } from "@heddle/config";
import { type ExternalAuthorizer, externalAuthorizer } from "./external-authorizer.ts";
import { byAge } from "./namespace-scope.ts";
import { isTarget } from "./policy-targets.ts";
import type { MeshState } from "./state.ts";

/** An AuthorizationPolicy that is in force for a workload. */
export interface Authorization {
  readonly source: ObjectRef;
  readonly action: "ALLOW" | "DENY" | "CUSTOM";
  readonly rules: readonly AuthorizationRule[];
  /** For CUSTOM: who decides. */
  readonly authorizer?: ExternalAuthorizer;
}

/** The policies of the root namespace and of the workload's own that select it; dry runs decide nothing. */
export function authorizationOf(state: MeshState, namespace: string, labels: StringMap): readonly Authorization[] {
  const { rootNamespace } = state.settings;
  return [...state.objects.authorizationPolicies.values()]
    .filter(
      ({ ref, spec, meta }) =>
        meta.annotations["istio.io/dry-run"] !== "true" &&
        (targetsOf(spec).length > 0
          ? ref.namespace === namespace && isTarget(state, targetsOf(spec), namespace, labels)
          : (ref.namespace === rootNamespace || ref.namespace === namespace) &&
            labelsMatch(spec.selector?.matchLabels ?? {}, labels)),
    )
    .sort(byAge)
    .flatMap(({ ref, spec }): readonly Authorization[] => {
      const { action, rules } = spec;
      if (action === "CUSTOM")
        return [{ source: ref, action, rules, authorizer: externalAuthorizer(state, spec.provider?.name ?? "") }];
      return [{ source: ref, action, rules }];
    });
}
