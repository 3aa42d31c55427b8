import type { Manifest } from "../install/manifest.ts";

/** What a control plane needs to read another cluster. */
export interface RemoteAccess {
  /** Name of the cluster that is read. */
  readonly cluster: string;
  /** Default: the cluster's name. */
  readonly user?: string;
  readonly server: string;
  readonly token: string;
  /** PEM; undefined: a certificate authority that everybody trusts. */
  readonly ca: string | undefined;
  /** Name in the server's certificate. Default: the address's. */
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify?: boolean;
  /** DNS suffix of its Services. Default: `cluster.local`. */
  readonly domain?: string;
}

/** A kubeconfig with nothing in it but one cluster and a token, in istioctl's form. */
export function remoteKubeconfig(access: RemoteAccess) {
  const { cluster: name, user = name, server, token, ca, serverName, insecureSkipVerify } = access;
  const cluster = {
    ...(ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") }),
    server,
    ...(serverName === undefined ? {} : { "tls-server-name": serverName }),
    ...(insecureSkipVerify ? { "insecure-skip-tls-verify": true } : {}),
  };
  return {
    apiVersion: "v1",
    clusters: [{ cluster, name }],
    contexts: [{ context: { cluster: name, user }, name }],
    "current-context": name,
    kind: "Config",
    preferences: {},
    users: [{ name: user, user: { token } }],
  };
}

/** The Secret for the other cluster's control plane. Source: istioctl `create-remote-secret`. */
export function remoteSecret(access: RemoteAccess, namespace: string, kubeconfig: string): Manifest {
  const { cluster, domain } = access;
  // Gateways are asked for services by the caller's own names.
  const unlike = domain === undefined || domain === "cluster.local" ? {} : { "heddle.io/cluster-domain": domain };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      annotations: { "networking.istio.io/cluster": cluster, ...unlike },
      labels: { "istio/multiCluster": "true" },
      name: `istio-remote-secret-${cluster}`.toLowerCase().replace(/[^a-z0-9.-]/g, "-"),
      namespace,
    },
    stringData: { [cluster]: kubeconfig },
  };
}
