import type { OtherCluster } from "@heddle/analysis";
import { asKubeObject, readService } from "@heddle/config";
import { type KubeClient, kubeClientFor, secretAccess } from "@heddle/kube-client";
import { at, createSystemClock, recordOf, textOf } from "@heddle/std";

/** Services of the mesh's other clusters, and which of them could not be read. */
export interface OtherClusters {
  readonly clusters: readonly OtherCluster[];
  /** A sentence each. */
  readonly unread: readonly string[];
}

/** The clusters that the Secrets of `create-remote-secret` lead to; their keys are the clusters' names. */
export async function remoteClusterClients(
  kube: KubeClient,
  namespace: string,
): Promise<ReadonlyMap<string, () => Promise<KubeClient>>> {
  const { items } = await kube.list(
    { apiVersion: "v1", kind: "Secret", namespace },
    { labelSelector: "istio/multiCluster=true" },
  );
  const clock = createSystemClock();
  return new Map(
    items.flatMap((secret) =>
      Object.entries(recordOf(at(secret, "data"))).map(([name, value]) => {
        const text = Buffer.from(textOf(value), "base64").toString("utf8");
        const origin = `secret ${namespace}/${secret.metadata.name}`;
        return [name, async () => kubeClientFor(await secretAccess(text, origin, clock), { clock })] as const;
      }),
    ),
  );
}

/** Lists the Services of each cluster; one that can't be reached leaves the others alone. */
export async function readOtherClusters(
  clients: ReadonlyMap<string, () => Promise<KubeClient>>,
): Promise<OtherClusters> {
  const unread: string[] = [];
  const clusters = await Promise.all(
    [...clients].map(async ([name, client]): Promise<readonly OtherCluster[]> => {
      try {
        const { items } = await (await client()).list({ apiVersion: "v1", kind: "Service" });
        const objects = items.flatMap((item) => asKubeObject(item) ?? []);
        return [{ name, services: objects.map(readService) }];
      } catch (error) {
        unread.push(`cluster ${name} is not looked at: ${error instanceof Error ? error.message : String(error)}`);
        return [];
      }
    }),
  );
  return { clusters: clusters.flat(), unread };
}
