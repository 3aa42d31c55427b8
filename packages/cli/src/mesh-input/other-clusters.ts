import type { OtherCluster } from "@heddle/analysis";
import { asKubeObject, readService } from "@heddle/config";
import {
  type ClusterEntry,
  type KubeClient,
  kubeClientFor,
  REMOTE_SECRET_LABEL,
  readRemoteSecrets,
  secretAccess,
} from "@heddle/kube-client";
import { createSystemClock } from "@heddle/std";

/** Services of the mesh's other clusters, and which of them could not be read. */
export interface OtherClusters {
  readonly clusters: readonly OtherCluster[];
  /** A sentence each. */
  readonly unread: readonly string[];
}

/** Ways to other clusters by their names, and a sentence for each that is none. */
export interface ClusterClients {
  readonly clients: ReadonlyMap<string, () => Promise<KubeClient>>;
  readonly refused: readonly string[];
}

/** The clusters that the Secrets of `create-remote-secret` lead to, by the control plane's own rule. */
export async function remoteClusterClients(
  kube: KubeClient,
  namespace: string,
  ownId: string,
): Promise<ClusterClients> {
  const type = { apiVersion: "v1", kind: "Secret", namespace };
  const { items } = await kube.list(type, { labelSelector: REMOTE_SECRET_LABEL });
  const { accepted, refused } = readRemoteSecrets(items, ownId);
  const clock = createSystemClock();
  const client =
    ({ kubeconfig, secret }: ClusterEntry) =>
    async () =>
      kubeClientFor(await secretAccess(kubeconfig, `secret ${secret}`, clock), { clock });
  return {
    clients: new Map([...accepted].map(([id, entry]) => [id, client(entry)])),
    refused: refused.map(({ secret, reason }) => `Secret ${secret} is not used: ${reason}`),
  };
}

/** Lists the Services of each cluster; one that can't be reached leaves the others alone. */
export async function readOtherClusters({ clients, refused }: ClusterClients): Promise<OtherClusters> {
  const unread = [...refused];
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
