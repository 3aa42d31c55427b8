import type { ClusterNetworkPlan } from "../contract/index.ts";

/** How many clusters fit side by side: pods 10.40–10.99, services 10.140–10.199. */
export const MAX_CLUSTERS = 60;

const FIRST_POD_NET = 40;
const FIRST_SERVICE_NET = 140;
const NODE_PORTS = [30_000, 32_767] as const;
/** Source: Kubernetes gives automatic NodePorts from beyond the part that users choose from. */
const FIRST_AUTOMATIC_NODE_PORT = 31_384;
/** Units: ports between the beginnings of two clusters; who needs more goes on into the next part. */
const AUTOMATIC_NODE_PORTS = 23;

/**
 * Fixed addresses of the cluster with this index.
 * Errors: throws for an index that has no address range.
 */
export function networkPlan(index: number, clusterDomain = "cluster.local"): ClusterNetworkPlan {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_CLUSTERS) {
    throw new Error(`cluster index ${index} has no address range; at most ${MAX_CLUSTERS} clusters run side by side`);
  }
  const pods = `10.${FIRST_POD_NET + index}`;
  const services = `10.${FIRST_SERVICE_NET + index}`;
  return {
    nodeName: "heddle-node",
    nodeIp: `${pods}.255.1`,
    podCidr: `${pods}.0.0/16`,
    serviceCidr: `${services}.0.0/16`,
    apiServiceIp: `${services}.0.1`,
    dnsServiceIp: `${services}.0.10`,
    clusterDomain,
    apiPort: 6443,
    nodePortRange: NODE_PORTS,
    firstAutomaticNodePort: FIRST_AUTOMATIC_NODE_PORT + index * AUTOMATIC_NODE_PORTS,
  };
}
