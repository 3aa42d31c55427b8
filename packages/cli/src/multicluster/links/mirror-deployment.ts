import { LOCKED } from "../../install/locked-container.ts";
import type { Manifest } from "../../install/manifest.ts";
import { type ExtensionOptions, extensionLabels, MIRROR_PORT, SERVICE_MIRROR } from "./extension-options.ts";

const RBAC = "rbac.authorization.k8s.io";
const LOOK = ["list", "get", "watch"];
const WRITE = [...LOOK, "create", "update", "patch", "delete"];

/** The program that keeps mirrors of all linked clusters. Each of its writes is idempotent, so replicas need no leader. */
export function mirrorManifests(options: ExtensionOptions): readonly Manifest[] {
  const { namespace } = options;
  const labels = {
    ...extensionLabels,
    component: SERVICE_MIRROR,
    "linkerd.io/control-plane-component": "service-mirror",
  };
  const named = { name: SERVICE_MIRROR, namespace, labels };
  const access = `${SERVICE_MIRROR}-access-local-resources`;
  const credentials = `${SERVICE_MIRROR}-read-remote-creds`;
  const subjects = [{ kind: "ServiceAccount", name: SERVICE_MIRROR, namespace }];
  const selector = { component: SERVICE_MIRROR };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: named },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata: { name: access, labels },
      rules: [
        { apiGroups: [""], resources: ["services", "endpoints"], verbs: WRITE },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: WRITE },
        { apiGroups: [""], resources: ["namespaces"], verbs: LOOK },
        { apiGroups: [""], resources: ["configmaps"], verbs: ["get"], resourceNames: ["istio-ca-root-cert"] },
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: access, labels },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: access },
      subjects,
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "Role",
      metadata: { name: credentials, namespace, labels },
      rules: [
        { apiGroups: [""], resources: ["secrets"], verbs: LOOK },
        { apiGroups: ["multicluster.linkerd.io"], resources: ["links"], verbs: LOOK },
        { apiGroups: ["multicluster.linkerd.io"], resources: ["links/status"], verbs: ["get", "update", "patch"] },
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "RoleBinding",
      metadata: { name: credentials, namespace, labels },
      roleRef: { apiGroup: RBAC, kind: "Role", name: credentials },
      subjects,
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: named,
      spec: {
        replicas: options.highAvailability ? 2 : 1,
        selector: { matchLabels: selector },
        template: {
          metadata: {
            labels: { ...labels, "sidecar.istio.io/inject": "false" },
            annotations: {
              "linkerd.io/inject": "disabled",
              "prometheus.io/scrape": "true",
              "prometheus.io/port": String(MIRROR_PORT),
            },
          },
          spec: {
            serviceAccountName: SERVICE_MIRROR,
            securityContext: { runAsUser: 1337, runAsGroup: 1337, runAsNonRoot: true },
            containers: [
              {
                name: "service-mirror",
                image: `${options.image}:${options.version}`,
                imagePullPolicy: options.imagePullPolicy,
                args: ["service-mirror", ...(options.headless ? ["--enable-headless-services"] : [])],
                env: [{ name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } }],
                ports: [{ name: "admin-http", containerPort: MIRROR_PORT, protocol: "TCP" }],
                readinessProbe: { httpGet: { path: "/ready", port: MIRROR_PORT }, periodSeconds: 1, timeoutSeconds: 5 },
                resources: { requests: { cpu: "20m", memory: "64Mi" } },
                securityContext: LOCKED,
              },
            ],
          },
        },
      },
    },
  ];
}
