import { stringify } from "yaml";
import { LOCKED } from "./locked-container.ts";
import { type Manifest, meshLabels } from "./manifest.ts";

const NAME = "prometheus";
const NAMESPACE = "linkerd-viz";
/** Source: the long-term release; every newer one takes the same configuration. */
export const PROMETHEUS_IMAGE = "prom/prometheus:v2.53.5";
/** Where `viz install --prometheus` leads. */
export const PROMETHEUS_URL = `http://${NAME}.${NAMESPACE}.svc:9090`;
const DISCOVERY = `http://metrics-api.${NAMESPACE}.svc:8085/api/prometheus/targets`;

/** A Prometheus that scrapes the mesh and keeps six hours. It learns what to scrape from viz, so it needs no rights in the cluster. */
export function prometheusManifests(): readonly Manifest[] {
  const labels = { ...meshLabels(NAME), "linkerd.io/extension": "viz", app: NAME };
  const named = { name: NAME, namespace: NAMESPACE, labels };
  const job = (name: string) => ({
    job_name: name,
    http_sd_configs: [{ url: `${DISCOVERY}?job=${name}`, refresh_interval: "10s" }],
  });
  const config = {
    global: { scrape_interval: "10s", scrape_timeout: "10s", evaluation_interval: "10s" },
    scrape_configs: [job("proxies"), job("control-plane")],
  };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: named },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...named, name: "prometheus-config" },
      data: { "prometheus.yml": stringify(config) },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: named,
      spec: { selector: { app: NAME }, ports: [{ name: "admin", port: 9090, targetPort: 9090 }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: named,
      spec: {
        replicas: 1,
        strategy: { type: "Recreate" },
        selector: { matchLabels: { app: NAME } },
        template: {
          metadata: { labels: { app: NAME, "linkerd.io/extension": "viz", "sidecar.istio.io/inject": "false" } },
          spec: {
            serviceAccountName: NAME,
            automountServiceAccountToken: false,
            securityContext: { runAsUser: 65_534, runAsGroup: 65_534, runAsNonRoot: true, fsGroup: 65_534 },
            containers: [container()],
            volumes: [
              { name: "config", configMap: { name: "prometheus-config" } },
              { name: "data", emptyDir: {} },
            ],
          },
        },
      },
    },
  ];
}

function container() {
  const probe = (path: string) => ({ httpGet: { path, port: 9090 }, periodSeconds: 5, timeoutSeconds: 5 });
  return {
    name: NAME,
    image: PROMETHEUS_IMAGE,
    imagePullPolicy: "IfNotPresent",
    args: [
      "--config.file=/etc/prometheus/prometheus.yml",
      "--storage.tsdb.path=/data",
      "--storage.tsdb.retention.time=6h",
      "--log.level=warn",
    ],
    ports: [{ name: "admin", containerPort: 9090 }],
    readinessProbe: probe("/-/ready"),
    livenessProbe: { ...probe("/-/healthy"), failureThreshold: 6 },
    volumeMounts: [
      { name: "config", mountPath: "/etc/prometheus/prometheus.yml", subPath: "prometheus.yml", readOnly: true },
      { name: "data", mountPath: "/data" },
    ],
    resources: { requests: { cpu: "20m", memory: "128Mi" } },
    securityContext: LOCKED,
  };
}
