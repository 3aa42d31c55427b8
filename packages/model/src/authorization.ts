import { type AuthorizationRule, labelsMatch, type ObjectRef, type StringMap } from "@heddle/config";
import { byAge } from "./namespace-scope.ts";
import type { MeshState } from "./state.ts";

/** An AuthorizationPolicy that is in force for a workload. */
export interface Authorization {
  readonly source: ObjectRef;
  readonly action: "ALLOW" | "DENY";
  readonly rules: readonly AuthorizationRule[];
}

/** The policies of the root namespace and of the workload's own that select it; dry runs decide nothing. */
export function authorizationOf(state: MeshState, namespace: string, labels: StringMap): readonly Authorization[] {
  const { rootNamespace } = state.settings;
  return [...state.objects.authorizationPolicies.values()]
    .filter(
      ({ ref, spec, meta }) =>
        (ref.namespace === rootNamespace || ref.namespace === namespace) &&
        labelsMatch(spec.selector?.matchLabels ?? {}, labels) &&
        meta.annotations["istio.io/dry-run"] !== "true",
    )
    .sort(byAge)
    .flatMap(({ ref, spec }) =>
      spec.action === "ALLOW" || spec.action === "DENY"
        ? [{ source: ref, action: spec.action, rules: spec.rules }]
        : [],
    );
}
