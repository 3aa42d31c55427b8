/** What to capture in a pod. Source: the flags of Istio's `istio-iptables`. */
export interface InterceptOptions {
  /** Where outgoing TCP goes. Default: 15001. */
  readonly outboundPort: number;
  /** Where incoming TCP goes. Default: 15006. */
  readonly inboundPort: number;
  /** Incoming tunnel port, never redirected. Default: 15008. */
  readonly tunnelPort: number;
  readonly mode: "REDIRECT" | "NONE";
  /** How the proxy's own traffic is told from the application's. */
  readonly proxy: ProxyIdentity;
  /** `"*"`, or the incoming ports to capture. */
  readonly inboundPorts: "*" | readonly PortRange[];
  readonly inboundPortsExclude: readonly PortRange[];
  /** `"*"`, or the destination prefixes to capture. */
  readonly outboundRanges: "*" | readonly string[];
  readonly outboundRangesExclude: readonly string[];
  /** Outgoing ports captured even where the destination is in no captured range. */
  readonly outboundPortsInclude: readonly PortRange[];
  readonly outboundPortsExclude: readonly PortRange[];
  readonly interfacesExclude: readonly string[];
  /** Interfaces of virtual machines inside the pod: what comes in there is treated as outgoing. */
  readonly virtualInterfaces: readonly string[];
  /** Users whose outgoing traffic is left alone. */
  readonly usersExclude: readonly IdRange[];
  readonly groupsExclude: readonly IdRange[];
  /** Questions to DNS servers that go to the proxy: none, all, or those to the servers of `resolv.conf`. */
  readonly dns: "none" | "all" | readonly string[];
  /** Where they go, UDP and TCP. Default: 15053. */
  readonly dnsPort: number;
}

export type ProxyIdentity =
  | { readonly kind: "owner"; readonly users: readonly number[]; readonly groups: readonly number[] }
  /** For nodes with only one user id: sockets of the proxy carry this mark (`SO_MARK`). */
  | { readonly kind: "mark"; readonly mark: number };

/** One port where `first` and `last` are equal. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface IdRange {
  readonly first: number;
  readonly last: number;
}

export const DEFAULT_OPTIONS: InterceptOptions = {
  outboundPort: 15001,
  inboundPort: 15006,
  tunnelPort: 15008,
  mode: "REDIRECT",
  proxy: { kind: "owner", users: [1337], groups: [1337] },
  inboundPorts: "*",
  inboundPortsExclude: [],
  outboundRanges: "*",
  outboundRangesExclude: [],
  outboundPortsInclude: [],
  outboundPortsExclude: [],
  interfacesExclude: [],
  virtualInterfaces: [],
  usersExclude: [],
  groupsExclude: [],
  dns: "none",
  dnsPort: 15053,
};
