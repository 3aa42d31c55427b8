import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, recordOf, textOf } from "@heddle/std";
import type { PodInfo } from "@heddle/viz";

/** An AuthorizationPolicy and the pods that it guards. */
export interface AppliedPolicy {
  /** As tables show it. */
  readonly name: string;
  readonly ref: { readonly namespace: string; readonly name: string };
  applies(pod: PodInfo): boolean;
}

/** AuthorizationPolicies of a pod's namespace and of the mesh's own, by their selector. */
export async function policiesOf(kube: KubeClient, rootNamespace: string): Promise<readonly AppliedPolicy[]> {
  const type = { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy" };
  const { items } = await kube.list(type);
  return items.map((policy: KubeObject) => {
    const labels = Object.entries(recordOf(at(policy, "spec", "selector", "matchLabels")));
    const action = textOf(at(policy, "spec", "action")) || "ALLOW";
    const { namespace = "", name } = policy.metadata;
    return {
      ref: { namespace, name },
      name: `${action === "ALLOW" ? "" : `${action}:`}authorizationpolicy/${policy.metadata.name}`,
      applies: (pod) =>
        (policy.metadata.namespace === pod.namespace || policy.metadata.namespace === rootNamespace) &&
        labels.every(([key, value]) => pod.labels[key] === value),
    };
  });
}
