/** What a client needs to reach a cluster as its administrator. */
export interface AdminAccess {
  readonly clusterName: string;
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  readonly caPem: string;
  readonly token: string;
}

/** A kubeconfig file (JSON, which is YAML), made to be kept with mode 0600. */
export function kubeconfigOf(access: AdminAccess): string {
  const { clusterName, server, caPem, token } = access;
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: clusterName,
          cluster: { server, "certificate-authority-data": Buffer.from(caPem).toString("base64") },
        },
      ],
      users: [{ name: `${clusterName}-admin`, user: { token } }],
      contexts: [{ name: clusterName, context: { cluster: clusterName, user: `${clusterName}-admin` } }],
      "current-context": clusterName,
    },
    null,
    2,
  )}\n`;
}
