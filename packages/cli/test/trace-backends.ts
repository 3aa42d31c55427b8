import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { recordOf } from "@heddle/std";

/** Where real collectors run; without proxies. */
export const BACKENDS = "backends";

/** What is missing for them, or undefined. */
export function missingBackend(): string | undefined {
  const folder = process.env["HEDDLE_TOOLS"] ?? join(homedir(), ".cache/heddle-tools");
  return ["otelcol", "jaeger-all-in-one"].find((name) => Bun.which(name) === null && !existsSync(join(folder, name)));
}

const COLLECTOR_CONFIG = {
  receivers: {
    otlp: { protocols: { grpc: { endpoint: "0.0.0.0:4317" }, http: { endpoint: "0.0.0.0:4318" } } },
    zipkin: { endpoint: "0.0.0.0:9411" },
  },
  exporters: { file: { path: "/dev/stdout", flush_interval: "200ms" } },
  service: {
    telemetry: { metrics: { level: "none" }, logs: { level: "warn" } },
    pipelines: {
      traces: { receivers: ["otlp", "zipkin"], exporters: ["file"] },
      logs: { receivers: ["otlp"], exporters: ["file"] },
    },
  },
};

/** Its name says that it speaks HTTP/2: as with Istio, an exporter talks to a Service as the port's name has it. */
const OTLP_GRPC = 4317;

function backend(name: string, container: object, ports: readonly number[], volumes: readonly object[] = []) {
  const labels = { app: name };
  return [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: BACKENDS, labels },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name, ...container }], volumes },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: BACKENDS },
      spec: {
        selector: labels,
        ports: ports.map((port) => ({ name: port === OTLP_GRPC ? "grpc-otlp" : `http-${port}`, port })),
      },
    },
  ] as readonly KubeObject[];
}

/** An OpenTelemetry collector that prints what it gets, and a Jaeger. */
export const backendObjects: readonly KubeObject[] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: BACKENDS } },
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "collector", namespace: BACKENDS },
    data: { "config.yaml": JSON.stringify(COLLECTOR_CONFIG) },
  } as KubeObject,
  ...backend(
    "collector",
    {
      image: "otel/opentelemetry-collector:0.115.0",
      args: ["--config", "/etc/otelcol/config.yaml"],
      readinessProbe: { tcpSocket: { port: 9411 }, periodSeconds: 1 },
      volumeMounts: [{ name: "config", mountPath: "/etc/otelcol" }],
    },
    [OTLP_GRPC, 4318, 9411],
    [{ name: "config", configMap: { name: "collector" } }],
  ),
  ...backend(
    "jaeger",
    { image: "jaegertracing/all-in-one:1.62.0", readinessProbe: { tcpSocket: { port: 16_686 }, periodSeconds: 1 } },
    [OTLP_GRPC, 16_686],
  ),
];

/** One provider for each way to send spans, and one for access logs. */
export const backendProviders = [
  { name: "otlp-grpc", opentelemetry: { service: `collector.${BACKENDS}.svc.cluster.local`, port: OTLP_GRPC } },
  {
    name: "otlp-http",
    opentelemetry: {
      service: `collector.${BACKENDS}.svc.cluster.local`,
      port: 4318,
      http: { path: "/v1/traces", timeout: "5s" },
    },
  },
  { name: "zipkin", zipkin: { service: `collector.${BACKENDS}.svc.cluster.local`, port: 9411 } },
  { name: "jaeger", opentelemetry: { service: `jaeger.${BACKENDS}.svc.cluster.local`, port: OTLP_GRPC } },
  { name: "logs", envoyOtelAls: { service: `collector.${BACKENDS}.svc.cluster.local`, port: OTLP_GRPC } },
];

/** A Telemetry for one of emojivoto's programs: where its spans go, and its access log to the collector. */
export function tracedBy(app: string, provider: string): KubeObject {
  return {
    apiVersion: "telemetry.istio.io/v1",
    kind: "Telemetry",
    metadata: { name: app, namespace: "emojivoto" },
    spec: {
      selector: { matchLabels: { app } },
      tracing: [{ providers: [{ name: provider }], randomSamplingPercentage: 100 }],
      accessLogging: [{ providers: [{ name: "logs" }] }],
    },
  } as KubeObject;
}

/** What the collector got. */
export interface Collected {
  /** By trace: which services had spans there. */
  readonly services: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of access log entries: text, and the pod that wrote it. */
  readonly logs: readonly { readonly pod: string; readonly text: string }[];
}

const items = (value: unknown, key: string): readonly Record<string, unknown>[] => {
  const list = recordOf(value)[key];
  return Array.isArray(list) ? list.map(recordOf) : [];
};
const attribute = (holder: unknown, key: string): string => {
  const found = items(holder, "attributes").find((a) => a["key"] === key);
  return String(recordOf(found?.["value"])["stringValue"] ?? "");
};

/** Long lines come in pieces, the newest perhaps not whole yet; what is no JSON is the collector's own log. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replaceAll("\n", ""));
  } catch {
    return undefined;
  }
}

export async function collected(kube: KubeClient): Promise<Collected> {
  const answer = await kube.request("GET", `/api/v1/namespaces/${BACKENDS}/pods/collector/log`);
  const services = new Map<string, Set<string>>();
  const logs: { pod: string; text: string }[] = [];
  for (const text of (await answer.text()).split(/\n(?=\{"resource)/)) {
    const told = parsed(text);
    for (const from of items(told, "resourceSpans"))
      for (const { traceId } of items(from, "scopeSpans").flatMap((scope) => items(scope, "spans"))) {
        const known = services.get(String(traceId)) ?? new Set();
        services.set(String(traceId), known.add(attribute(from["resource"], "service.name")));
      }
    for (const from of items(told, "resourceLogs"))
      for (const { body } of items(from, "scopeLogs").flatMap((scope) => items(scope, "logRecords")))
        logs.push({ pod: attribute(from["resource"], "node_name"), text: String(recordOf(body)["stringValue"] ?? "") });
  }
  return { services, logs };
}
