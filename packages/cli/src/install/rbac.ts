import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";

const READ = ["get", "list", "watch"];

/** What the control plane may do in the whole cluster: read the mesh's inputs, review tokens, hand out the root certificate, patch its webhooks. */
const clusterRules = [
  {
    apiGroups: [""],
    resources: [
      "pods",
      "nodes",
      "services",
      "namespaces",
      "endpoints",
      "serviceaccounts",
      "replicationcontrollers",
      "configmaps",
      // Certificates of gateways (credentialName); a proxy gets one only if its own service account may list Secrets.
      "secrets",
    ],
    verbs: READ,
  },
  { apiGroups: ["apps"], resources: ["deployments", "replicasets", "statefulsets", "daemonsets"], verbs: READ },
  { apiGroups: ["batch"], resources: ["jobs", "cronjobs"], verbs: READ },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: READ },
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses", "ingressclasses"], verbs: READ },
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["update", "patch"] },
  { apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions"], verbs: READ },
  {
    apiGroups: [
      "networking.istio.io",
      "security.istio.io",
      "telemetry.istio.io",
      "extensions.istio.io",
      "policy.linkerd.io",
      "linkerd.io",
      "split.smi-spec.io",
      "gateway.networking.k8s.io",
      "multicluster.linkerd.io",
    ],
    resources: ["*"],
    verbs: READ,
  },
  {
    apiGroups: ["networking.istio.io", "security.istio.io", "telemetry.istio.io", "gateway.networking.k8s.io"],
    resources: ["*/status"],
    verbs: ["update", "patch"],
  },
  {
    apiGroups: ["networking.istio.io"],
    resources: ["workloadentries"],
    verbs: ["create", "update", "patch", "delete"],
  },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["create", "update", "patch"] },
  { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
  { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
  {
    apiGroups: ["admissionregistration.k8s.io"],
    resources: ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
    verbs: [...READ, "update", "patch"],
  },
] as const;

/** What it may do in its own namespace: keep its CA and its lease. */
const namespaceRules = [
  { apiGroups: [""], resources: ["secrets"], verbs: [...READ, "create", "update", "delete"] },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: [...READ, "create", "update", "patch"] },
] as const;

export function rbac(options: InstallOptions): readonly Manifest[] {
  const name = `istiod-clusterrole-${options.namespace}`;
  const labels = { ...meshLabels("pilot"), app: "istiod" };
  const subjects = [{ kind: "ServiceAccount", name: "istiod", namespace: options.namespace }];
  const group = "rbac.authorization.k8s.io";
  return [
    { apiVersion: `${group}/v1`, kind: "ClusterRole", metadata: { name, labels }, rules: clusterRules },
    {
      apiVersion: `${group}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name, labels },
      roleRef: { apiGroup: group, kind: "ClusterRole", name },
      subjects,
    },
    {
      apiVersion: `${group}/v1`,
      kind: "Role",
      metadata: { name: "istiod", namespace: options.namespace, labels },
      rules: namespaceRules,
    },
    {
      apiVersion: `${group}/v1`,
      kind: "RoleBinding",
      metadata: { name: "istiod", namespace: options.namespace, labels },
      roleRef: { apiGroup: group, kind: "Role", name: "istiod" },
      subjects,
    },
  ];
}
