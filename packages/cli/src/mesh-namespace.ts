import type { KubeClient } from "@heddle/kube-client";
import type { GlobalOptions } from "./global-options.ts";

const KNOWN = ["istio-system", "linkerd"];

/**
 * Namespace of the control plane: the one that the user named, else the usual one of the tool, else the other tool's when the mesh is
 * there: what `istioctl` installed `linkerd check` finds.
 */
export async function findMeshNamespace(kube: KubeClient, global: GlobalOptions): Promise<string> {
  if (global.meshNamespaceGiven) return global.meshNamespace;
  const candidates = [global.meshNamespace, ...KNOWN.filter((n) => n !== global.meshNamespace)];
  for (const namespace of candidates) {
    const deployment = { group: "apps", version: "v1", resource: "deployments", name: "istiod", namespace };
    if (await kube.find(deployment)) return namespace;
  }
  return global.meshNamespace;
}
