import { resolveHost } from "@heddle/config";
import { type MeshState, wireOf } from "@heddle/model";

/** What resources of the mesh take from each other, or leave empty: each number is one of istiod's warning gauges. */
export interface MeshConflicts {
  /** Subsets of one host that a second DestinationRule of the namespace names again. */
  readonly repeatedSubsets: number;
  /** Ports of a host that a ServiceEntry of a second namespace brings again. */
  readonly repeatedClusters: number;
  /** Ports of services found by DNS that have no name to resolve. */
  readonly emptyDnsClusters: number;
  /** Workloads with a sidecar and a port for which two services claim different protocols. */
  readonly inbound: number;
  /** Ports of TCP services whose address and port another service has already. */
  readonly outboundTcp: number;
}

/** Counts them. Source: Istio `pilot/pkg/model/push_context.go`, `listener_inbound.go`, `cluster_builder.go`. */
export function meshConflicts(state: MeshState): MeshConflicts {
  return {
    repeatedSubsets: repeats(subsetKeys(state)),
    repeatedClusters: repeatedClusters(state),
    emptyDnsClusters: emptyDnsClusters(state),
    inbound: inboundConflicts(state),
    outboundTcp: repeats(tcpKeys(state)),
  };
}

function repeats(keys: Iterable<string>): number {
  const seen = new Set<string>();
  let repeated = 0;
  for (const key of keys) {
    if (seen.has(key)) repeated++;
    seen.add(key);
  }
  return repeated;
}

function* subsetKeys({ objects, settings }: MeshState): Iterable<string> {
  for (const { ref, spec } of objects.destinationRules.values()) {
    // Rules for some workloads only stand beside the others.
    if (spec.workloadSelector !== undefined) continue;
    const host = resolveHost(spec.host, ref.namespace, settings.domain);
    for (const { name } of spec.subsets) yield `${ref.namespace}/${host}/${name}`;
  }
}

function repeatedClusters({ objects }: MeshState): number {
  const owners = new Map<string, string>();
  const repeated = new Set<string>();
  for (const { ref, spec } of objects.serviceEntries.values())
    for (const host of spec.hosts)
      for (const { number } of spec.ports) {
        const key = `${host}:${number}`;
        const owner = owners.get(key) ?? ref.namespace;
        owners.set(key, owner);
        if (owner !== ref.namespace) repeated.add(key);
      }
  return repeated.size;
}

function emptyDnsClusters({ services }: MeshState): number {
  let empty = 0;
  for (const { resolution, dnsTargets, ports } of services.values())
    if ((resolution === "dns" || resolution === "logical-dns") && dnsTargets.length === 0) empty += ports.length;
  return empty;
}

function* tcpKeys({ services }: MeshState): Iterable<string> {
  for (const { addresses, autoAddresses, headless, ports } of services.values()) {
    // Headless services are reached at their pods' addresses.
    if (headless) continue;
    const known = [...addresses, ...autoAddresses];
    for (const { number, protocol } of ports)
      if (wireOf(protocol) === "tcp")
        for (const address of known.length === 0 ? ["0.0.0.0"] : known) yield `${address}:${number}`;
  }
}

function inboundConflicts({ services, endpoints }: MeshState): number {
  const protocols = new Map<string, string>();
  const workloads = new Set<string>();
  for (const [hostname, { ports }] of endpoints)
    for (const { number, protocol } of services.get(hostname)?.ports ?? [])
      for (const { address, port, meshed } of ports.get(number) ?? []) {
        if (!meshed) continue;
        const key = `${address}:${port}`;
        const claimed = protocols.get(key);
        if (claimed === undefined) protocols.set(key, protocol);
        else if (claimed !== protocol) workloads.add(address);
      }
  return workloads.size;
}
