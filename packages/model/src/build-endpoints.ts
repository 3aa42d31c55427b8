import type { EndpointSliceView, NodeView, PodView, ServiceView, SliceEndpoint } from "@heddle/config";
import { localityOf } from "./build-workload.ts";
import { contentHash } from "./hash.ts";
import { TLS_MODE } from "./mirror/names.ts";
import type { ServiceEndpoints } from "./state.ts";
import type { Endpoint, Workload } from "./workload.ts";

/** What endpoints are resolved against. */
export interface EndpointContext {
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly pods: ReadonlyMap<string, PodView>;
  readonly nodes: ReadonlyMap<string, NodeView>;
  /** Whether PeerAuthentication switches mutual TLS off on a port of a workload. */
  readonly isPlain: (workload: Workload, port: number) => boolean;
}

/** Endpoints of a service from its EndpointSlices. One address appears once, even while slices are being rebalanced. */
export function endpointsOf(
  service: ServiceView,
  slices: readonly EndpointSliceView[],
  context: EndpointContext,
): ServiceEndpoints {
  const ports = new Map<number, readonly Endpoint[]>();
  for (const port of service.ports) {
    const found = new Map<string, Endpoint>();
    for (const slice of slices) {
      if (slice.addressType === "FQDN") continue;
      const target = slice.ports.find((candidate) => candidate.name === port.name);
      if (target === undefined) continue;
      for (const entry of slice.endpoints) {
        const health = healthOf(entry, service.publishNotReadyAddresses);
        if (health === undefined) continue;
        for (const address of entry.addresses) {
          const told = slice.meta.labels[TLS_MODE] === "istio";
          const endpoint = endpointOf(entry, address, target.port, health, service.meta.namespace, told, context);
          const key = `${address}:${target.port}`;
          if (found.get(key)?.health !== "healthy") found.set(key, endpoint);
        }
      }
    }
    const sorted = [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
    ports.set(port.port, sorted);
  }
  return { hash: contentHash(ports), ports };
}

function healthOf(entry: SliceEndpoint, publishNotReady: boolean): Endpoint["health"] | undefined {
  if (entry.ready) return "healthy";
  if (entry.terminating && entry.serving) return "draining";
  return publishNotReady && !entry.terminating ? "healthy" : undefined;
}

function endpointOf(
  entry: SliceEndpoint,
  address: string,
  port: number,
  health: Endpoint["health"],
  namespace: string,
  told: boolean,
  context: EndpointContext,
): Endpoint {
  // A host-network pod shares its address with others: only the pod's name is a safe way to it, and it has no sidecar.
  const pod = entry.pod === "" ? undefined : context.pods.get(`${namespace}/${entry.pod}`);
  const known = context.workloads.get(address);
  const workload = known !== undefined && (pod === undefined || known.name === pod.meta.name) ? known : undefined;
  const labels = workload?.labels ?? pod?.meta.labels ?? {};
  return {
    address,
    port,
    health,
    hostname: entry.hostname,
    locality: workload?.locality ?? localityOf(labels, context.nodes.get(entry.nodeName)),
    labels,
    // Of endpoints in other clusters only their slice can tell.
    meshed: workload === undefined ? told : workload.tlsMode === "istio" && !context.isPlain(workload, port),
    workload,
  };
}
