import { labelsMatch, type StringMap, type Telemetry } from "@heddle/config";
import { byAge } from "./namespace-scope.ts";
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
  const selects = ({ spec }: Telemetry): boolean => Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
  return [
    all.filter(
      (t) => t.ref.namespace === namespace && selects(t) && labelsMatch(t.spec.selector?.matchLabels ?? {}, labels),
    ),
    all.filter((t) => t.ref.namespace === namespace && !selects(t)),
    all.filter((t) => t.ref.namespace === rootNamespace && !selects(t)),
  ];
}

/** Whether an entry is about traffic of this direction. */
export function meant(
  mode: WorkloadMode,
  entry: { readonly match?: { readonly mode?: string | undefined } | undefined },
): boolean {
  const wanted = entry.match?.mode ?? "CLIENT_AND_SERVER";
  return wanted === "CLIENT_AND_SERVER" || wanted === mode;
}
