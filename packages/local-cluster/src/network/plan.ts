import type { ClusterNetworkPlan } from "../contract/index.ts";
import { externalAddress, WAN_PREFIX } from "../wan/wan-addresses.ts";
import { FIRST_POD_NET, MAX_CLUSTERS } from "./address-ranges.ts";

const FIRST_SERVICE_NET = 140;
const NODE_PORTS = [30_000, 32_767] as const;
/** Source: Kubernetes gives automatic NodePorts from beyond the part that users choose from. */
const FIRST_AUTOMATIC_NODE_PORT = 31_384;
/** Units: ports between the beginnings of two clusters; who needs more goes on into the next part. */
const AUTOMATIC_NODE_PORTS = 23;

/** What a user may choose of a cluster's network. */
export interface NetworkChoice {
  /** Default: `cluster.local`. */
  readonly clusterDomain?: string;
  /** A /16. Default: 10.(40 + index).0.0/16. Clusters may have the same one, as no pod of another is ever addressed. */
  readonly podCidr?: string;
  /** A /16. Default: 10.(140 + index).0.0/16. */
  readonly serviceCidr?: string;
  /** One network with the other flat clusters. Default: false. */
  readonly flat?: boolean;
}

/**
 * Fixed addresses of the cluster with this index.
 * Errors: throws for an index that has no address range; what `networkProblem` finds in the choice is not asked again.
 */
export function networkPlan(index: number, choice: NetworkChoice = {}): ClusterNetworkPlan {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_CLUSTERS) {
    throw new Error(`cluster index ${index} has no address range; at most ${MAX_CLUSTERS} clusters run side by side`);
  }
  const podCidr = choice.podCidr ?? defaultPodPrefix(index);
  const serviceCidr = choice.serviceCidr ?? `10.${FIRST_SERVICE_NET + index}.0.0/16`;
  const pods = firstHalf(podCidr);
  const services = firstHalf(serviceCidr);
  return {
    nodeName: "heddle-node",
    nodeIp: `${pods}.255.1`,
    externalIp: externalAddress(index),
    flat: choice.flat === true,
    podCidr,
    serviceCidr,
    apiServiceIp: `${services}.0.1`,
    dnsServiceIp: `${services}.0.10`,
    clusterDomain: choice.clusterDomain ?? "cluster.local",
    apiPort: 6443,
    nodePortRange: NODE_PORTS,
    firstAutomaticNodePort: FIRST_AUTOMATIC_NODE_PORT + index * AUTOMATIC_NODE_PORTS,
  };
}

/** The pods' network of the cluster with this index, unless its user has chosen another. */
export function defaultPodPrefix(index: number): string {
  return `10.${FIRST_POD_NET + index}.0.0/16`;
}

const CIDR = /^(\d{1,3})\.(\d{1,3})\.0\.0\/16$/;

/** Why a choice can't be, as a sentence that names the flag; undefined when it can. Pure. */
export function networkProblem(choice: NetworkChoice): string | undefined {
  for (const [flag, cidr] of [
    ["--pod-cidr", choice.podCidr],
    ["--service-cidr", choice.serviceCidr],
  ] as const) {
    if (cidr === undefined) continue;
    const [, first = "", second = ""] = CIDR.exec(cidr) ?? [];
    if (!(Number(first) > 0 && Number(first) < 224 && Number(second) < 256) || first === "" || first === "127")
      return `${flag}: "${cidr}" is no network of the form 10.96.0.0/16`;
    if (firstHalf(cidr) === firstHalf(WAN_PREFIX) || cidr === "169.254.0.0/16")
      return `${flag}: ${cidr} is taken by the link between clusters; choose another`;
  }
  if (choice.podCidr !== undefined && choice.podCidr === choice.serviceCidr)
    return "--pod-cidr and --service-cidr: one network can't be both";
  if (choice.flat && choice.podCidr !== undefined)
    return "--flat needs the default addresses of pods, by which clusters find each other: leave --pod-cidr out";
  return undefined;
}

function firstHalf(cidr: string): string {
  return cidr.split(".").slice(0, 2).join(".");
}
