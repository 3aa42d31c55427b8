import type { WorkloadGroup } from "@heddle/config";
import { stringify } from "yaml";

/** What the files of a workload outside of the cluster are made of. */
export interface EntryFilesInput {
  readonly group: WorkloadGroup;
  readonly clusterId: string;
  readonly meshId: string;
  readonly trustDomain: string;
  readonly discoveryAddress: string;
  /** MeshConfig.defaultConfig, as its user wrote it. */
  readonly proxyMetadata: Readonly<Record<string, string>>;
  readonly dnsCapture: boolean;
  readonly autoRegister: boolean;
  /** Address of the control plane for the file `hosts`; undefined leaves it to DNS. */
  readonly controlPlaneIp: string | undefined;
  /** The workload's own address, where it can't find out itself. */
  readonly ownIp: string | undefined;
  readonly rootCertificate: string;
  /** What the workload proves itself with the first time: file name → content. */
  readonly proof: Readonly<Record<string, string>>;
}

/** File name → content: cluster.env, mesh.yaml, hosts, root-cert.pem, and the proof. Source: istioctl x workload entry configure. */
export function entryFiles(input: EntryFilesInput): Readonly<Record<string, string>> {
  const { discoveryAddress, controlPlaneIp } = input;
  const host = discoveryAddress.replace(/:\d+$/, "");
  return {
    "cluster.env": environmentText(environment(input)),
    "mesh.yaml": stringify(meshConfig(input)),
    hosts: controlPlaneIp === undefined ? "" : `${controlPlaneIp} ${host}\n`,
    "root-cert.pem": input.rootCertificate,
    ...input.proof,
  };
}

function environment(input: EntryFilesInput): Readonly<Record<string, string>> {
  const { group, ownIp } = input;
  const { template, metadata } = group.spec;
  const { name, namespace } = group.ref;
  const labels = { ...metadata?.labels, ...template.labels };
  const serviceAccount = template.serviceAccount ?? "default";
  const canonical =
    labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels["app"] ?? name;
  const revision = labels["service.istio.io/canonical-revision"] ?? labels["version"] ?? "latest";
  return {
    CANONICAL_REVISION: revision,
    CANONICAL_SERVICE: canonical,
    ISTIO_INBOUND_PORTS: "*",
    ISTIO_LOCAL_EXCLUDE_PORTS: "22,15090,15021,15020",
    ISTIO_META_AUTO_REGISTER_GROUP: input.autoRegister ? name : "",
    ISTIO_META_CLUSTER_ID: input.clusterId,
    ISTIO_META_DNS_CAPTURE: input.dnsCapture ? "true" : "",
    ISTIO_META_MESH_ID: input.meshId,
    ISTIO_META_NETWORK: template.network ?? "",
    ISTIO_META_WORKLOAD_NAME: name,
    ISTIO_METAJSON_LABELS: JSON.stringify({
      ...labels,
      "service.istio.io/canonical-name": canonical,
      "service.istio.io/canonical-revision": revision,
    }),
    ISTIO_NAMESPACE: namespace,
    ISTIO_SERVICE: `${name}.${namespace}`,
    ISTIO_SERVICE_CIDR: "*",
    ISTIO_SVC_IP: ownIp ?? "",
    POD_NAMESPACE: namespace,
    SERVICE_ACCOUNT: serviceAccount,
    TRUST_DOMAIN: input.trustDomain,
  };
}

/** One `KEY='value'` a line, sorted; empty values are left out. */
export function environmentText(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .filter(([, value]) => value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}='${value.replaceAll("'", "'\\''")}'\n`)
    .join("");
}

function meshConfig({ group, discoveryAddress, meshId, proxyMetadata, trustDomain }: EntryFilesInput): unknown {
  const { probe } = group.spec;
  return {
    defaultConfig: {
      discoveryAddress,
      ...(meshId === "" ? {} : { meshId }),
      ...(Object.keys(proxyMetadata).length === 0 ? {} : { proxyMetadata }),
      ...(probe === undefined ? {} : { readinessProbe: probe }),
    },
    trustDomain,
  };
}
