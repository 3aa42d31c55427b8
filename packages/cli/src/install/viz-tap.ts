import { LOCKED } from "./locked-container.ts";
import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";

const NAME = "tap";
const NAMESPACE = "linkerd-viz";
const RBAC = "rbac.authorization.k8s.io";
/** Linkerd's names: its documentation tells to bind users to the second one. */
const ROLE = "linkerd-linkerd-viz-tap";
export const TAP_ADMIN_ROLE = "linkerd-linkerd-viz-tap-admin";

/**
 * Tap as a part of the cluster's API: `tap.linkerd.io`. It has an account of its own, as it may reach every pod's ports, which the metrics
 * service may not; whom it serves is asked of the cluster for each stream.
 */
export function tapManifests(options: InstallOptions): readonly Manifest[] {
  const labels = { ...meshLabels(NAME), "linkerd.io/extension": "viz", app: NAME };
  const named = { name: NAME, namespace: NAMESPACE, labels };
  const role = (name: string, rules: readonly object[]) => ({
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRole",
    metadata: { name, labels },
    rules,
  });
  const binding = (kind: "ClusterRoleBinding" | "RoleBinding", name: string, roleRef: object, namespace?: string) => ({
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name, labels, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: RBAC, ...roleRef },
    subjects: [{ kind: "ServiceAccount", name: NAME, namespace: NAMESPACE }],
  });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: named },
    role(ROLE, [
      { apiGroups: [""], resources: ["pods", "services"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["pods/portforward"], verbs: ["get", "create"] },
      {
        apiGroups: ["apiregistration.k8s.io"],
        resources: ["apiservices"],
        resourceNames: ["v1alpha1.tap.linkerd.io"],
        verbs: ["get", "patch"],
      },
    ]),
    role(TAP_ADMIN_ROLE, [
      { apiGroups: ["tap.linkerd.io"], resources: ["*"], verbs: ["watch"] },
      { apiGroups: [""], resources: ["namespaces"], verbs: ["list"] },
    ]),
    binding("ClusterRoleBinding", ROLE, { kind: "ClusterRole", name: ROLE }),
    binding("ClusterRoleBinding", `${ROLE}-auth-delegator`, { kind: "ClusterRole", name: "system:auth-delegator" }),
    binding(
      "RoleBinding",
      `${ROLE}-auth-reader`,
      { kind: "Role", name: "extension-apiserver-authentication-reader" },
      "kube-system",
    ),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: named,
      spec: { selector: { app: NAME }, ports: [{ name: "apiserver", port: 443, targetPort: 8089 }] },
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: "v1alpha1.tap.linkerd.io", labels },
      spec: {
        group: "tap.linkerd.io",
        version: "v1alpha1",
        groupPriorityMinimum: 1000,
        versionPriority: 100,
        // Its `caBundle` is written by the server, whose key never leaves it.
        service: { name: NAME, namespace: NAMESPACE, port: 443 },
      },
    },
    deployment(options, named),
  ];
}

function deployment(options: InstallOptions, named: Manifest["metadata"]): Manifest {
  const selector = { app: NAME };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: named,
    spec: {
      replicas: 1,
      // Two at a time would take turns in telling the API server whom to trust.
      strategy: { type: "Recreate" },
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: { ...selector, "linkerd.io/extension": "viz", "sidecar.istio.io/inject": "false" } },
        spec: {
          serviceAccountName: NAME,
          securityContext: { runAsUser: 1337, runAsGroup: 1337, runAsNonRoot: true },
          containers: [
            {
              name: NAME,
              image: `${options.image}:${options.version}`,
              imagePullPolicy: options.imagePullPolicy,
              args: ["viz", "tap-apiserver", "--port", "8089", "--admin-port", "9998"],
              ports: [
                { name: "apiserver", containerPort: 8089 },
                { name: "admin-http", containerPort: 9998 },
              ],
              readinessProbe: { httpGet: { path: "/ready", port: 9998 }, periodSeconds: 1 },
              resources: { requests: { cpu: "10m", memory: "64Mi" } },
              securityContext: LOCKED,
            },
          ],
        },
      },
    },
  };
}
