import type { KubeClient } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { runningControlPlane } from "../running-control-plane.ts";

/** A cluster as one replica of the control plane knows it. */
export interface KnownCluster {
  readonly istiod: string;
  readonly id: string;
  /** "" for the cluster that the control plane runs in. */
  readonly secret: string;
  readonly status: string;
  readonly reason: string;
}

/** Asks every running replica: each reads the other clusters itself. */
export async function knownClusters(kube: KubeClient, namespace: string): Promise<readonly KnownCluster[]> {
  const running = await runningControlPlane(kube, namespace);
  const all = await Promise.all(
    running.map(async ({ metadata: { name } }) => {
      const target = { kind: "pods", namespace, name, port: 15014 } as const;
      const response = await kube.proxyRequest(target, "GET", "/debug/clusterz");
      return listOf(await response.json()).map((entry) => ({
        istiod: name,
        id: textOf(at(entry, "id")),
        secret: textOf(at(entry, "secretName")),
        status: textOf(at(entry, "syncStatus")),
        reason: textOf(at(entry, "reason")),
      }));
    }),
  );
  return all.flat();
}

/** One sentence for each cluster that is not in sync, or of which something gets no traffic. */
export function clusterTroubles(clusters: readonly KnownCluster[]): readonly string[] {
  return clusters
    .filter(({ status, reason }) => status !== "synced" || reason !== "")
    .map(
      ({ id, status, reason, istiod }) => `cluster ${id} is ${status} (${istiod})${reason === "" ? "" : `: ${reason}`}`,
    );
}
