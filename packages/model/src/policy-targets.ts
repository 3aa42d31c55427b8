import { labelsMatch, type PolicyTarget, type StringMap } from "@heddle/config";
import type { MeshState } from "./state.ts";

/** Kubernetes' Gateways are known by this label of their pods. */
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/**
 * The labels of the workloads that a policy's target stands for, in the policy's namespace. Undefined: there is no such Gateway, or it
 * selects nothing in particular.
 */
export function targetLabels(
  { objects }: Pick<MeshState, "objects">,
  { group, name }: PolicyTarget,
  namespace: string,
): StringMap | undefined {
  if (group === "gateway.networking.k8s.io") return { [GATEWAY_NAME]: name };
  const selector = objects.gateways.get(`${namespace}/${name}`)?.spec.selector ?? {};
  return Object.keys(selector).length === 0 ? undefined : selector;
}

/** Whether a workload stands behind one of the targets of a policy of its namespace. Source: istio pilot/pkg/model/policyattachment.go. */
export function isTarget(
  state: Pick<MeshState, "objects">,
  targets: readonly PolicyTarget[],
  namespace: string,
  labels: StringMap,
): boolean {
  return targets.some((target) => {
    const wanted = targetLabels(state, target, namespace);
    return wanted !== undefined && labelsMatch(wanted, labels);
  });
}
