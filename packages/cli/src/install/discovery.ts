import { LOCKED } from "./locked-container.ts";
import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } } });

function discoveryContainer(options: InstallOptions): unknown {
  return {
    name: "discovery",
    image: `${options.image}:${options.version}`,
    imagePullPolicy: options.imagePullPolicy,
    args: [
      "discovery",
      "--monitoringAddr=:15014",
      `--log_output_level=default:${options.logLevel}`,
      `--domain=${options.clusterDomain}`,
    ],
    ports: [
      { name: "http-debug", containerPort: 8080, protocol: "TCP" },
      { name: "grpc-xds", containerPort: 15010, protocol: "TCP" },
      { name: "tls-xds", containerPort: 15012, protocol: "TCP" },
      { name: "https-webhooks", containerPort: 15017, protocol: "TCP" },
      { name: "http-monitoring", containerPort: 15014, protocol: "TCP" },
    ],
    env: [
      { name: "REVISION", value: "default" },
      { name: "PILOT_CERT_PROVIDER", value: "istiod" },
      field("POD_NAME", "metadata.name"),
      field("POD_NAMESPACE", "metadata.namespace"),
      field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
      { name: "CLUSTER_ID", value: options.clusterId },
      ...Object.entries(options.pilotEnv).map(([name, value]) => ({ name, value })),
    ],
    readinessProbe: {
      httpGet: { path: "/ready", port: 8080 },
      initialDelaySeconds: 0,
      periodSeconds: 1,
      timeoutSeconds: 5,
    },
    resources: { requests: { cpu: "100m", memory: "128Mi" } },
    securityContext: {
      ...LOCKED,
      runAsNonRoot: true,
    },
    volumeMounts: [
      { name: "local-certs", mountPath: "/var/run/secrets/istio-dns" },
      { name: "cacerts", mountPath: "/etc/cacerts", readOnly: true },
    ],
  };
}

const antiAffinity = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: { app: "istiod" } }, topologyKey: "kubernetes.io/hostname" },
    ],
  },
};

export function discoveryDeployment(options: InstallOptions): Manifest {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "istiod",
      namespace: options.namespace,
      labels: { ...meshLabels("pilot"), app: "istiod", istio: "pilot" },
    },
    spec: {
      replicas: options.replicas,
      strategy: { rollingUpdate: { maxSurge: "100%", maxUnavailable: "25%" } },
      selector: { matchLabels: { app: "istiod", istio: "pilot" } },
      template: {
        metadata: {
          labels: {
            app: "istiod",
            istio: "pilot",
            "istio.io/rev": "default",
            "sidecar.istio.io/inject": "false",
            "linkerd.io/control-plane-component": "destination",
          },
          annotations: {
            "linkerd.io/inject": "disabled",
            "prometheus.io/port": "15014",
            "prometheus.io/scrape": "true",
          },
        },
        spec: {
          serviceAccountName: "istiod",
          securityContext: { fsGroup: 1337, runAsUser: 1337, runAsGroup: 1337 },
          ...(options.highAvailability ? { affinity: antiAffinity } : {}),
          containers: [discoveryContainer(options)],
          volumes: [
            { name: "local-certs", emptyDir: { medium: "Memory" } },
            { name: "cacerts", secret: { secretName: "cacerts", optional: true } },
          ],
        },
      },
    },
  };
}

export function discoveryService(options: InstallOptions): Manifest {
  const port = (name: string, number: number, targetPort = number) => ({
    name,
    port: number,
    targetPort,
    protocol: "TCP",
  });
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "istiod",
      namespace: options.namespace,
      labels: { ...meshLabels("pilot"), app: "istiod", istio: "pilot" },
    },
    spec: {
      selector: { app: "istiod", istio: "pilot" },
      ports: [
        port("grpc-xds", 15010),
        port("https-dns", 15012),
        port("https-webhook", 443, 15017),
        port("http-monitoring", 15014),
      ],
    },
  };
}

/** Only with high availability: at most one replica may be drained at a time. */
export function disruptionBudget(options: InstallOptions): Manifest {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "istiod", namespace: options.namespace, labels: { ...meshLabels("pilot"), app: "istiod" } },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: "istiod", istio: "pilot" } } },
  };
}
