import { type JsonRecord, listOf, recordOf, textOf } from "@heddle/std";
import type { ResourceKind } from "./contract.ts";

/** A pod as the queries know it. */
export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  readonly running: boolean;
  /** As Kubernetes has it: Running, Pending, Succeeded …; Terminating when it goes. */
  readonly status: string;
  readonly meshed: boolean;
  /** Who owns it, from the outermost controller inwards. */
  readonly owners: readonly { readonly kind: ResourceKind; readonly name: string }[];
  readonly labels: Readonly<Record<string, string>>;
  /** Containers that wait and will not come up by themselves, such as in CrashLoopBackOff. */
  readonly stuck: readonly { readonly container: string; readonly reason: string; readonly message: string }[];
}

export interface ServiceInfo {
  readonly namespace: string;
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  /** Cluster whose Service it stands for; undefined for one of this cluster. */
  readonly mirrorOf?: string;
}

/** What exists in the cluster now. */
export interface Inventory {
  pods(): readonly PodInfo[];
  services(): readonly ServiceInfo[];
}

const OWNER_KINDS: Readonly<Record<string, ResourceKind>> = {
  StatefulSet: "statefulset",
  DaemonSet: "daemonset",
  ReplicaSet: "replicaset",
  ReplicationController: "replicationcontroller",
  Job: "job",
};

const texts = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(recordOf(value)).filter((e): e is [string, string] => typeof e[1] === "string"));

/** Reads what queries need from a `v1/Pod`; unknown shapes give empty fields, never an error. */
export function podInfo(object: unknown): PodInfo {
  const { metadata, spec, status } = recordOf(object);
  const meta = recordOf(metadata);
  const containers = [...listOf(recordOf(spec)["containers"]), ...listOf(recordOf(spec)["initContainers"])].map((c) =>
    textOf(recordOf(c)["name"]),
  );
  return {
    namespace: textOf(meta["namespace"]),
    name: textOf(meta["name"]),
    ip: textOf(recordOf(status)["podIP"]),
    running: textOf(recordOf(status)["phase"]) === "Running" && meta["deletionTimestamp"] === undefined,
    status: meta["deletionTimestamp"] === undefined ? textOf(recordOf(status)["phase"]) : "Terminating",
    meshed: containers.includes("istio-proxy") || containers.includes("linkerd-proxy"),
    owners: owners(meta),
    labels: texts(meta["labels"]),
    stuck: stuckContainers(recordOf(status)),
  };
}

/** Reasons that the kubelet gives while a container starts as it should. */
const STARTING = new Set(["", "ContainerCreating", "PodInitializing"]);

function stuckContainers(status: JsonRecord): PodInfo["stuck"] {
  return [...listOf(status["initContainerStatuses"]), ...listOf(status["containerStatuses"])].flatMap((entry) => {
    const { name, state } = recordOf(entry);
    const waiting = recordOf(recordOf(state)["waiting"]);
    const reason = textOf(waiting["reason"]);
    if (STARTING.has(reason)) return [];
    return [{ container: textOf(name), reason, message: textOf(waiting["message"]) }];
  });
}

/** A ReplicaSet named `<deployment>-<pod-template-hash>` belongs to that Deployment: saves reading all ReplicaSets. */
function owners(meta: JsonRecord): PodInfo["owners"] {
  const controller = listOf(meta["ownerReferences"])
    .map(recordOf)
    .find((o) => o["controller"] === true);
  if (!controller) return [];
  const kind = OWNER_KINDS[textOf(controller["kind"])];
  const name = textOf(controller["name"]);
  if (!kind) return [];
  const hash = texts(meta["labels"])["pod-template-hash"];
  if (kind === "replicaset" && hash && name.endsWith(`-${hash}`)) {
    return [
      { kind: "deployment", name: name.slice(0, -hash.length - 1) },
      { kind, name },
    ];
  }
  const cron = /^(.*)-\d{8,}$/.exec(name)?.[1];
  return kind === "job" && cron
    ? [
        { kind: "cronjob", name: cron },
        { kind, name },
      ]
    : [{ kind, name }];
}

export function serviceInfo(object: unknown): ServiceInfo {
  const { metadata, spec } = recordOf(object);
  const labels = texts(recordOf(metadata)["labels"]);
  // The Service of a probed gateway carries the cluster's name, too, but mirrors nothing.
  const mirrorOf =
    labels["mirror.linkerd.io/mirrored-service"] === "true" ? labels["mirror.linkerd.io/cluster-name"] : undefined;
  return {
    namespace: textOf(recordOf(metadata)["namespace"]),
    name: textOf(recordOf(metadata)["name"]),
    selector: texts(recordOf(spec)["selector"]),
    ...(mirrorOf === undefined ? {} : { mirrorOf }),
  };
}

/** Whether a pod is a gateway that other clusters come in by: it carries a network, or Linkerd's name for gateways. */
export function isClusterGateway({ labels, meshed }: PodInfo): boolean {
  const istio = labels["istio"] === "eastwestgateway" || (NETWORK_LABEL in labels && "istio" in labels && !meshed);
  return istio || labels["app"] === "linkerd-gateway";
}

/** Network of a pod. Source: Istio. */
export const NETWORK_LABEL = "topology.istio.io/network";

/** Names of the resources of a kind that a pod counts for. */
export function resourcesOf(pod: PodInfo, kind: ResourceKind, services: readonly ServiceInfo[]): readonly string[] {
  switch (kind) {
    case "pod":
      return [pod.name];
    case "namespace":
      return [pod.namespace];
    case "service":
      return services
        .filter((s) => s.namespace === pod.namespace && Object.keys(s.selector).length > 0)
        .filter((s) => Object.entries(s.selector).every(([k, v]) => pod.labels[k] === v))
        .map((s) => s.name);
    default:
      return pod.owners.filter((o) => o.kind === kind).map((o) => o.name);
  }
}

/** Running pods of a resource, or of all of a kind. */
export function chosenPods(
  inventory: Inventory,
  target: { readonly kind: ResourceKind; readonly name?: string; readonly namespace?: string },
): readonly PodInfo[] {
  const services = inventory.services();
  const { kind, name, namespace } = target;
  return inventory
    .pods()
    .filter((pod) => pod.running && (namespace === undefined || kind === "namespace" || pod.namespace === namespace))
    .filter((pod) => {
      const names = resourcesOf(pod, kind, services);
      return name === undefined ? names.length > 0 : names.includes(name);
    });
}

/** Pods with the given labels (`app=web,tier`) and all Services. */
export function withLabels(inventory: Inventory, selector: string): Inventory {
  const wanted = selector.split(",").map((part) => part.trim().split(/==?/));
  const pods = inventory
    .pods()
    .filter((p) =>
      wanted.every(([key = "", value]) => (value === undefined ? key in p.labels : p.labels[key] === value)),
    );
  return { pods: () => pods, services: () => inventory.services() };
}
