import type { Meta, NodeView, PodView } from "@heddle/config";
import { networkLabelKey, networkOf } from "./networks.ts";
import type { MeshSettings } from "./settings.ts";
import type { Locality, Workload } from "./workload.ts";

/** Who stands at the top of a pod's owner chain. */
export interface WorkloadOwner {
  readonly kind: string;
  readonly name: string;
}

/**
 * Finds the workload of a pod without reading the owners themselves: a ReplicaSet of a Deployment is named
 * `<deployment>-<pod-template-hash>`, a Job of a CronJob `<cronjob>-<minutes>`. Source: istio pkg/kube/controllers/util.go.
 */
export function ownerOf(meta: Meta): WorkloadOwner {
  const owner = meta.owners.find((candidate) => candidate.controller) ?? meta.owners[0];
  if (owner === undefined) return { kind: "Pod", name: meta.name };
  const hash = meta.labels["pod-template-hash"];
  if (owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
    return { kind: "Deployment", name: owner.name.slice(0, -hash.length - 1) };
  }
  const cron = owner.kind === "Job" ? /^(.+)-\d{8,10}$/.exec(owner.name)?.[1] : undefined;
  if (cron !== undefined) return { kind: "CronJob", name: cron };
  return { kind: owner.kind, name: owner.name };
}

export function spiffeId(trustDomain: string, namespace: string, serviceAccount: string): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

/** `service.istio.io/canonical-name`, else the usual labels, else the workload's name. Source: istio pkg/model/labels. */
export function canonicalName(labels: Readonly<Record<string, string>>, workload: string): string {
  return labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels["app"] ?? workload;
}

export function canonicalRevision(labels: Readonly<Record<string, string>>): string {
  return (
    labels["service.istio.io/canonical-revision"] ??
    labels["app.kubernetes.io/version"] ??
    labels["version"] ??
    "latest"
  );
}

/** The pod label `istio-locality` (dots for slashes) wins over the node's topology labels. */
export function localityOf(labels: Readonly<Record<string, string>>, node: NodeView | undefined): Locality {
  const label = labels["istio-locality"] ?? labels["topology.istio.io/locality"];
  if (label !== undefined && label !== "") {
    const [region = "", zone = "", subzone = ""] = label.split(label.includes("/") ? "/" : ".");
    return { region, zone, subzone };
  }
  return { region: node?.region ?? "", zone: node?.zone ?? "", subzone: node?.subzone ?? "" };
}

/**
 * The workload of a pod, for each of its addresses; none while it has no address of its own.
 * @param network What the mesh's own namespace says for the whole cluster.
 */
export function workloadsOf(
  pod: PodView,
  node: NodeView | undefined,
  settings: MeshSettings,
  network?: string,
): readonly Workload[] {
  if (pod.phase === "Succeeded" || pod.phase === "Failed") return [];
  const { meta } = pod;
  const owner = ownerOf(meta);
  const namedPorts = Object.fromEntries(
    pod.ports.filter((port) => port.name !== "").map((port) => [port.name, port.containerPort]),
  );
  return pod.ips.map((ip) => ({
    ip,
    name: meta.name,
    namespace: meta.namespace,
    labels: meta.labels,
    serviceAccount: pod.serviceAccount,
    spiffeId: spiffeId(settings.trustDomain, meta.namespace, pod.serviceAccount),
    workloadName: meta.labels["service.istio.io/workload-name"] ?? owner.name,
    workloadKind: owner.kind,
    canonicalName: canonicalName(meta.labels, owner.name),
    canonicalRevision: canonicalRevision(meta.labels),
    // The injector puts the label on every pod that has a sidecar; nothing else may claim mutual TLS.
    tlsMode: meta.labels["security.istio.io/tlsMode"] === "istio" ? "istio" : "disabled",
    locality: localityOf(meta.labels, node),
    clusterId: settings.clusterId,
    network: networkOf(ip, meta.labels[networkLabelKey], network, settings),
    namedPorts,
    nodeName: pod.nodeName,
    weight: 1,
    source: { group: "", kind: "Pod", namespace: meta.namespace, name: meta.name },
  }));
}
