import { isKubeError, type KubeClient } from "@heddle/kube-client";
import type { CliContext } from "../context.ts";
import type { Manifest } from "./manifest.ts";

/**
 * Those of the manifests that the cluster has, so that `kubectl delete -f -` finds each of them: an install with other values may have had
 * gateways or a DNS of its own. All of them, with a hint on stderr, where the cluster can't be asked.
 */
export async function presentManifests(
  context: Pick<CliContext, "err">,
  kubeOf: () => Promise<Pick<KubeClient, "find">>,
  manifests: readonly Manifest[],
): Promise<readonly Manifest[]> {
  try {
    const kube = await kubeOf();
    const there = await Promise.all(manifests.map((manifest) => isThere(kube, manifest)));
    const found = manifests.filter((_, i) => there[i]);
    if (found.length === 0) context.err("nothing that install creates is in the cluster: there is nothing to delete\n");
    return found;
  } catch (error) {
    if (!isKubeError(error)) throw error;
    context.err(
      `the cluster could not be asked what it has (${error.message}): all that install can create is printed; give kubectl delete --ignore-not-found\n`,
    );
    return manifests;
  }
}

async function isThere(kube: Pick<KubeClient, "find">, { apiVersion, kind, metadata }: Manifest): Promise<boolean> {
  const { name, namespace } = metadata;
  try {
    return (await kube.find({ apiVersion, kind, name, ...(namespace ? { namespace } : {}) })) !== undefined;
  } catch (error) {
    // Without its definition there is no object either.
    if (isKubeError(error, "UnknownKind")) return false;
    throw error;
  }
}
