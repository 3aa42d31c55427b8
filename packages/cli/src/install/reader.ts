import { type Manifest, meshLabels } from "./manifest.ts";

/** Account that control planes of other clusters read this one by. Name as in Istio. */
export const READER_ACCOUNT = "istio-reader-service-account";

const READ = ["get", "list", "watch"];

/** What a control plane elsewhere needs where there is none: it hands out the root certificate, the webhook's CA, and gateways' Secrets. */
const MANAGE = [
  { apiGroups: [""], resources: ["secrets"], verbs: READ },
  { apiGroups: [""], resources: ["configmaps"], verbs: [...READ, "create", "update", "patch"] },
  {
    apiGroups: ["admissionregistration.k8s.io"],
    resources: ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
    verbs: [...READ, "update", "patch"],
  },
] as const;

/**
 * What a registry needs, and nothing that could be changed or kept secret. Source: istio base chart, `istio-reader`.
 * @param managed The account's owner is this cluster's control plane, too; then Secrets as well, as in Istio's chart always.
 */
export function readerManifests(namespace: string, account = READER_ACCOUNT, managed = false): readonly Manifest[] {
  const labels = { ...meshLabels("reader"), app: "istio-reader" };
  const group = "rbac.authorization.k8s.io";
  const role = `istio-reader-clusterrole-${namespace}`;
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account, namespace, labels } },
    {
      apiVersion: `${group}/v1`,
      kind: "ClusterRole",
      metadata: { name: role, labels },
      rules: [
        {
          apiGroups: [""],
          resources: ["endpoints", "pods", "services", "nodes", "namespaces", "replicationcontrollers"],
          verbs: READ,
        },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: READ },
        { apiGroups: ["apps"], resources: ["replicasets"], verbs: READ },
        { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
        { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
        ...(managed ? MANAGE : []),
      ],
    },
    {
      apiVersion: `${group}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: role, labels },
      roleRef: { apiGroup: group, kind: "ClusterRole", name: role },
      subjects: [{ kind: "ServiceAccount", name: account, namespace }],
    },
  ];
}
