/** Connects pod sandboxes to the node. Implemented by `network/`, used by `kubelet/`. */
export interface PodNetwork {
  /** Gives the network namespace of process `sandboxPid` its `eth0`, address and default route. Idempotent per uid. */
  attach(podUid: string, sandboxPid: number): Promise<PodAddress>;
  /** Frees address and link; safe when nothing was attached. */
  detach(podUid: string): Promise<void>;
}

export interface PodAddress {
  readonly ip: string;
}

/** Fixed addresses of one cluster, derived from its index. */
export interface ClusterNetworkPlan {
  readonly nodeName: string;
  readonly nodeIp: string;
  /** The node's address on the WAN: what other clusters see of this one. LoadBalancers answer there. */
  readonly externalIp: string;
  /** One network with the other flat clusters: their pods are reached directly. */
  readonly flat: boolean;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** ClusterIP of `default/kubernetes`. */
  readonly apiServiceIp: string;
  readonly dnsServiceIp: string;
  readonly clusterDomain: string;
  /** Port of the API server on `nodeIp`. */
  readonly apiPort: number;
  /** Inclusive. */
  readonly nodePortRange: readonly [number, number];
  /** Where automatic NodePorts begin. Clusters begin apart, as NodePorts are the whole host's. */
  readonly firstAutomaticNodePort: number;
}
