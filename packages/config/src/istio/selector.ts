import { list, map, message } from "../schema/compound.ts";
import { port, string } from "../schema/scalar.ts";
import { required } from "../schema/schema.ts";

/** Picks workloads by label (security, telemetry and extension APIs). Source: istio/api type/v1beta1/selector.proto. */
export const workloadSelector = message("WorkloadSelector", { matchLabels: map(string()) });

/** Picks workloads by label (networking API). Source: istio/api networking/v1alpha3/sidecar.proto. */
export const networkingSelector = message("WorkloadSelector", { labels: map(string()) });

export const portSelector = message("PortSelector", { number: required(port()) });

export const targetRef = message("PolicyTargetReference", {
  group: string(),
  kind: required(string()),
  name: required(string()),
  namespace: string(),
});

export const targetRefs = list(targetRef);

/** Why policies that name their targets are refused: without effect they would hold for everything. */
export const noTargets = "targets can't be named here yet; select workloads by label";

/** True when every label that the selector asks for is there. An empty selector matches everything. */
export function labelsMatch(
  wanted: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const key of Object.keys(wanted)) {
    if (labels[key] !== wanted[key]) return false;
  }
  return true;
}
