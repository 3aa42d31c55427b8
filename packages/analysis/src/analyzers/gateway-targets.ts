import { type ObjectRef, type PolicyTarget, type StringMap, targetsOf } from "@heddle/config";
import { targetLabels } from "@heddle/model";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";

/** A resource that may name Gateways as its targets. */
export interface Targeting {
  readonly ref: ObjectRef;
  readonly spec: { readonly targetRef?: PolicyTarget | undefined; readonly targetRefs: readonly PolicyTarget[] };
}

/** One target, and the labels of the workloads that it stands for; undefined: there is no such Gateway. */
export interface TargetSelection {
  readonly ref: ObjectRef;
  readonly name: string;
  readonly path: string;
  readonly labels: StringMap | undefined;
}

export function targetSelections({ ref, spec }: Targeting, { state }: AnalysisInput): readonly TargetSelection[] {
  return targetsOf(spec).map((target, index) => ({
    ref,
    name: target.name,
    path: spec.targetRef === undefined ? `spec.targetRefs[${index}]` : "spec.targetRef",
    labels: targetLabels(state, target, ref.namespace),
  }));
}

/** Targets that do not exist. */
export function missingTargets(targets: readonly TargetSelection[]): readonly Finding[] {
  return targets.flatMap(({ ref, name, path, labels }) =>
    labels !== undefined
      ? []
      : [
          finding(
            "IST0101",
            ref,
            `${path}.name`,
            `Referenced Gateway not found: ${name} (in namespace ${ref.namespace}, of networking.istio.io, with a selector); the ${ref.kind} has no effect there. Targets are Gateways of the same namespace`,
          ),
        ],
  );
}
