import type { Manifest } from "../install/manifest.ts";

/** What a control plane needs to read another cluster. */
export interface RemoteAccess {
  /** Name of the cluster that is read. */
  readonly cluster: string;
  readonly server: string;
  readonly token: string;
  /** PEM. */
  readonly ca: string;
}

/** The kubeconfig in istioctl's form: everything bears the cluster's name. */
export function remoteKubeconfig({ cluster, server, token, ca }: RemoteAccess) {
  return {
    apiVersion: "v1",
    clusters: [
      { cluster: { "certificate-authority-data": Buffer.from(ca).toString("base64"), server }, name: cluster },
    ],
    contexts: [{ context: { cluster, user: cluster }, name: cluster }],
    "current-context": cluster,
    kind: "Config",
    preferences: {},
    users: [{ name: cluster, user: { token } }],
  };
}

/** The Secret for the other cluster's control plane. Source: istioctl `create-remote-secret`. */
export function remoteSecret(access: RemoteAccess, namespace: string, kubeconfig: string): Manifest {
  const { cluster } = access;
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      annotations: { "networking.istio.io/cluster": cluster },
      labels: { "istio/multiCluster": "true" },
      name: `istio-remote-secret-${cluster}`.toLowerCase().replace(/[^a-z0-9.-]/g, "-"),
      namespace,
    },
    stringData: { [cluster]: kubeconfig },
  };
}

/** True for an address that means another machine in every other cluster. */
export function isLoopback(server: string): boolean {
  const host = URL.canParse(server) ? new URL(server).hostname : "";
  return host === "localhost" || host === "[::1]" || host.startsWith("127.") || host === "0.0.0.0";
}
