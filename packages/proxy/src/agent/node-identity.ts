import type { JsonObject } from "@bufbuild/protobuf";
import type { AgentOptions } from "./agent-options.ts";

/** How the proxy introduces itself to the control plane. Source: Istio's node id and metadata. */
export interface NodeIdentity {
  /** `<role>~<ip>~<pod>.<ns>~<ns>.svc.<domain>` */
  readonly id: string;
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Reads a downward API file: one `key="value"` per line, values quoted as Go strings. */
export function parseDownward(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const equals = line.indexOf("=");
    if (equals <= 0) continue;
    const raw = line.slice(equals + 1);
    try {
      found[line.slice(0, equals)] = String(JSON.parse(raw));
    } catch {
      found[line.slice(0, equals)] = raw.replace(/^"|"$/g, "");
    }
  }
  return found;
}

/** Labels whose values name what the workload is called in metrics. */
export function canonicalName(labels: Readonly<Record<string, string>>, workload: string): string {
  return labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels["app"] ?? workload;
}

export function nodeIdentity(
  options: AgentOptions,
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
  version: string,
): NodeIdentity {
  const { meta } = options;
  const workload = meta["WORKLOAD_NAME"] ?? options.podName;
  return {
    id: `${options.role}~${options.podIp}~${options.podName}.${options.namespace}~${options.domain}`,
    cluster: `${canonicalName(labels, workload)}.${options.namespace}`,
    metadata: {
      ...meta,
      NAME: options.podName,
      NAMESPACE: options.namespace,
      LABELS: labels,
      ANNOTATIONS: annotations,
      SERVICE_ACCOUNT: options.serviceAccount,
      WORKLOAD_NAME: workload,
      INSTANCE_IPS: options.podIp,
      CLUSTER_ID: meta["CLUSTER_ID"] ?? "Kubernetes",
      MESH_ID: meta["MESH_ID"] ?? options.trustDomain,
      INTERCEPTION_MODE: meta["INTERCEPTION_MODE"] ?? "REDIRECT",
      PROXY_CONFIG: options.proxyConfig,
      ISTIO_VERSION: version,
      HEDDLE_DATA_PLANE: options.dataPlane,
    },
  };
}

/** Metadata as the node message carries it. */
export function jsonObject(value: Readonly<Record<string, unknown>>): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
