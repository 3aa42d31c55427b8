import { at, recordOf, textOf } from "@heddle/std";
import type { KubeObject } from "./kube-object.ts";

/** One key of a remote Secret: a cluster and the way to it. */
export interface ClusterEntry {
  readonly id: string;
  /** `namespace/name` of the Secret. */
  readonly secret: string;
  readonly kubeconfig: string;
  /** Suffix of its own names: what its sidecars ask this cluster's gateways for. */
  readonly domain: string;
}

/** Which entries count; the others with a sentence each. */
export interface ClusterEntries {
  readonly accepted: ReadonlyMap<string, ClusterEntry>;
  readonly refused: readonly { readonly id: string; readonly secret: string; readonly reason: string }[];
}

/** Label of Secrets that hold kubeconfigs. Source: istio pkg/kube/multicluster. */
export const REMOTE_SECRET_LABEL = "istio/multiCluster=true";

/** Annotation that `create-remote-secret` writes for a cluster whose domain is not `cluster.local`. */
const domainAnnotation = "heddle.io/cluster-domain";

/** Chooses among the Secrets, the oldest first: one name is one cluster, and never the own one. Pure. */
export function readRemoteSecrets(secrets: readonly KubeObject[], ownId: string): ClusterEntries {
  const accepted = new Map<string, ClusterEntry>();
  const refused: { id: string; secret: string; reason: string }[] = [];
  const age = ({ metadata }: KubeObject) => `${String(metadata["creationTimestamp"] ?? "")} ${metadata.name}`;
  for (const object of [...secrets].sort((a, b) => (age(a) < age(b) ? -1 : 1))) {
    const secret = `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
    const domain = object.metadata.annotations?.[domainAnnotation] ?? "cluster.local";
    for (const [id, value] of Object.entries(recordOf(at(object, "data")))) {
      const refuse = (reason: string) => refused.push({ id, secret, reason });
      const kubeconfig = Buffer.from(textOf(value), "base64").toString("utf8");
      const holder = accepted.get(id);
      if (id === ownId)
        refuse(
          `cluster ${id} is the name of this cluster itself: two clusters must not share a name; install one of them with --set values.global.multiCluster.clusterName=OTHER and make its remote secret anew with --name OTHER`,
        );
      else if (holder !== undefined)
        refuse(
          `cluster ${id} is described by the older Secret ${holder.secret} already, which stays in force; delete one of the two, or give the clusters different names`,
        );
      else if (kubeconfig.trim() === "")
        refuse(`key ${id} holds no kubeconfig; make the Secret with create-remote-secret --name ${id}`);
      else accepted.set(id, { id, secret, kubeconfig, domain });
    }
  }
  return { accepted, refused };
}
