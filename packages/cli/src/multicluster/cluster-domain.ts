import type { KubeClient } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";

/** The DNS suffix of a cluster's Services, as its control plane was told; undefined where there is none. Errors: `KubeError`. */
export async function clusterDomain(kube: KubeClient, namespace: string): Promise<string | undefined> {
  const istiod = await kube.find({ group: "apps", version: "v1", resource: "deployments", name: "istiod", namespace });
  if (istiod === undefined) return undefined;
  const args = listOf(at(istiod, "spec", "template", "spec", "containers")).flatMap((one) => listOf(at(one, "args")));
  const domain = args.map(textOf).find((arg) => arg.startsWith("--domain="));
  return domain?.slice("--domain=".length) || "cluster.local";
}
