import type { ObjectRef, StringMap } from "@heddle/config";
import type { Code } from "../codes.ts";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";

/** A resource of which a workload takes one. */
export interface Selecting {
  readonly ref: ObjectRef;
  /** Undefined or empty: the default of its namespace. */
  readonly labels: StringMap | undefined;
  readonly path: string;
}

/** Codes for: two that select one workload, two defaults of a namespace, one that selects nothing. */
export interface SelectorCodes {
  readonly shared: Code;
  readonly several: Code;
  readonly none: Code | undefined;
}

export function selectorConflicts(
  input: AnalysisInput,
  resources: readonly Selecting[],
  codes: SelectorCodes,
): readonly Finding[] {
  return resources.flatMap((one) => {
    const peers = resources.filter(({ ref }) => ref.namespace === one.ref.namespace);
    if (isDefault(one)) {
      const defaults = peers.filter(isDefault);
      return defaults.length < 2
        ? []
        : [
            finding(
              codes.several,
              one.ref,
              "",
              `Multiple ${one.ref.kind} resources ${names(defaults)} in namespace ${one.ref.namespace} have no workload selector: only the oldest has effect. Keep one, or add selectors`,
            ),
          ];
    }
    const pods = input.selected(one.ref.namespace, one.labels ?? {});
    if (pods.length === 0)
      return codes.none === undefined
        ? []
        : [finding(codes.none, one.ref, one.path, nothingSelected(one.labels ?? {}, one.ref.namespace))];
    const rivals = peers.filter(
      (other) =>
        !isDefault(other) &&
        (other === one ||
          (other.ref !== one.ref &&
            input.selected(other.ref.namespace, other.labels ?? {}).some((pod) => pods.includes(pod)))),
    );
    return rivals.length < 2
      ? []
      : [
          finding(
            codes.shared,
            one.ref,
            one.path,
            `The ${one.ref.kind} resources ${names(rivals)} in namespace ${one.ref.namespace} select the same workload ${pods[0]?.ref.name}: only the oldest has effect. Make their selectors exclude each other`,
          ),
        ];
  });
}

function isDefault({ labels }: Selecting): boolean {
  return Object.keys(labels ?? {}).length === 0;
}

function names(list: readonly Selecting[]): string {
  return list
    .map(({ ref }) => ref.name)
    .sort()
    .join(",");
}

/** `app=web,version=v1` */
export function labelsText(labels: StringMap): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

export function nothingSelected(labels: StringMap, namespace: string): string {
  return `No matching workloads for this resource with the following labels: ${labelsText(labels)} (in ${namespace === "" ? "any namespace" : `namespace ${namespace}`}); it has no effect. Compare with kubectl get pods --show-labels`;
}
