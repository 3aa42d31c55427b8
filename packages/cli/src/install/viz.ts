import { LOCKED } from "./locked-container.ts";
import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";
import { TAP_ADMIN_ROLE } from "./viz-tap.ts";

const NAME = "metrics-api";
const NAMESPACE = "linkerd-viz";
const RBAC = "rbac.authorization.k8s.io";

export interface VizOptions {
  readonly prometheusUrl?: string | undefined;
  /** The dashboard in the cluster shows calls as they happen, to everybody who reaches it. Default: only `heddle viz dashboard` does. */
  readonly liveCalls?: boolean;
  /** Regular expression of the host names that are answered; default: any. */
  readonly enforcedHost?: string | undefined;
}

/** The metrics extension: one Deployment that scrapes the mesh, or asks the Prometheus that does, and answers queries. */
export function vizManifests(options: InstallOptions, viz: VizOptions = {}): readonly Manifest[] {
  const labels = { ...meshLabels("metrics-api"), "linkerd.io/extension": "viz", app: NAME };
  const named = { name: NAME, namespace: NAMESPACE, labels };
  const clusterName = "heddle-viz-metrics-api";
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: NAMESPACE,
        labels: { ...meshLabels("viz"), "linkerd.io/extension": "viz", "istio-injection": "disabled" },
      },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: named },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata: { name: clusterName, labels },
      rules: [{ apiGroups: [""], resources: ["pods", "services", "namespaces"], verbs: ["get", "list", "watch"] }],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: clusterName, labels },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: clusterName },
      subjects: [{ kind: "ServiceAccount", name: NAME, namespace: NAMESPACE }],
    },
    ...(viz.liveCalls
      ? [
          {
            apiVersion: `${RBAC}/v1`,
            kind: "ClusterRoleBinding",
            metadata: { name: `${clusterName}-tap`, labels },
            roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: TAP_ADMIN_ROLE },
            subjects: [{ kind: "ServiceAccount", name: NAME, namespace: NAMESPACE }],
          },
        ]
      : []),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: named,
      spec: { selector: { app: NAME }, ports: [{ name: "http", port: 8085, targetPort: 8085 }] },
    },
    collector(labels, "jaeger-collector", [
      { name: "grpc-otlp", port: 4317, targetPort: 4317 },
      { name: "http-otlp", port: 4318, targetPort: 4318 },
      { name: "http-zipkin", port: 9411, targetPort: 9411 },
    ]),
    collector(labels, "zipkin", [{ name: "http-query", port: 9411, targetPort: 9411 }]),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: named,
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: NAME } },
        template: {
          metadata: { labels: { app: NAME, "linkerd.io/extension": "viz", "sidecar.istio.io/inject": "false" } },
          spec: {
            serviceAccountName: NAME,
            securityContext: { runAsUser: 1337, runAsGroup: 1337, runAsNonRoot: true },
            containers: [
              {
                name: NAME,
                image: `${options.image}:${options.version}`,
                imagePullPolicy: options.imagePullPolicy,
                args: [
                  "viz",
                  "serve",
                  "--port",
                  "8085",
                  ...(viz.prometheusUrl === undefined ? [] : ["--prometheus-url", viz.prometheusUrl]),
                  ...(viz.enforcedHost === undefined ? [] : ["--enforced-host", viz.enforcedHost]),
                  ...(viz.liveCalls ? ["--live-calls"] : []),
                ],
                ports: [
                  { name: "http", containerPort: 8085 },
                  { name: "grpc-otlp", containerPort: 4317 },
                  { name: "http-otlp", containerPort: 4318 },
                  { name: "http-zipkin", containerPort: 9411 },
                ],
                readinessProbe: { httpGet: { path: "/ready", port: 8085 }, periodSeconds: 1 },
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

/** A Service under a name that tracers know, for the spans that viz keeps. */
function collector(labels: Readonly<Record<string, string>>, name: string, ports: readonly object[]): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: NAMESPACE, labels },
    spec: { selector: { app: NAME }, ports },
  };
}
