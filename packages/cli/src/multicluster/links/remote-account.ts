import type { Manifest } from "../../install/manifest.ts";
import { extensionLabels } from "./extension-options.ts";

const RBAC = "rbac.authorization.k8s.io";
const LOOK = ["list", "get", "watch"];

/** `multicluster allow`: an account by which other clusters see what this one exports. It reads and changes nothing. */
export function remoteAccount(name: string, namespace: string): readonly Manifest[] {
  const metadata = { name, labels: extensionLabels };
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata,
      rules: [
        { apiGroups: [""], resources: ["pods", "endpoints", "services"], verbs: LOOK },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: LOOK },
        { apiGroups: [""], resources: ["configmaps"], verbs: ["get"], resourceNames: ["istio-ca-root-cert"] },
      ],
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { ...metadata, namespace } },
    {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/service-account-token",
      metadata: {
        name: `${name}-token`,
        namespace,
        labels: extensionLabels,
        annotations: { "kubernetes.io/service-account.name": name },
      },
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ];
}
