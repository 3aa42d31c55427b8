import { labelsMatch, type StringMap, type Telemetry, targetsOf } from "@heddle/config";
import { byAge } from "./namespace-scope.ts";
import { isTarget } from "./policy-targets.ts";
import type { MeshState } from "./state.ts";

/** Direction of a workload's traffic, as the Telemetry API says it. */
export type WorkloadMode = "CLIENT" | "SERVER";

/** Telemetry resources for a workload, nearest first: its own, its namespace's, the root namespace's; within a level oldest first. */
export function telemetryLevels(
  state: MeshState,
  namespace: string,
  labels: StringMap,
): readonly (readonly Telemetry[])[] {
  const { rootNamespace } = state.settings;
  const all = [...state.objects.telemetries.values()].sort(byAge);
  const own = all.filter(({ ref }) => ref.namespace === namespace);
  return [
    own.filter(({ spec }) => {
      const targets = targetsOf(spec);
      if (targets.length > 0) return isTarget(state, targets, namespace, labels);
      const wanted = spec.selector?.matchLabels ?? {};
      return Object.keys(wanted).length > 0 && labelsMatch(wanted, labels);
    }),
    own.filter((one) => !isForSome(one)),
    all.filter((one) => one.ref.namespace === rootNamespace && !isForSome(one)),
  ];
}

/** Whether a Telemetry is for some workloads of its namespace only. */
export function isForSome({ spec }: Telemetry): boolean {
  return targetsOf(spec).length > 0 || Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
}

/** Whether an entry is about traffic of this direction. */
export function meant(
  mode: WorkloadMode,
  entry: { readonly match?: { readonly mode?: string | undefined } | undefined },
): boolean {
  const wanted = entry.match?.mode ?? "CLIENT_AND_SERVER";
  return wanted === "CLIENT_AND_SERVER" || wanted === mode;
}
