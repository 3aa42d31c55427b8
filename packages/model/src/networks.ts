import { isInRange } from "@heddle/std";
import type { MeshSettings } from "./settings.ts";
import type { MeshState } from "./state.ts";
import type { Endpoint } from "./workload.ts";

/** A way into a network from the others: takes mesh mTLS and passes it on by its server name. */
export interface NetworkGateway {
  readonly address: string;
  readonly port: number;
}

/** Gateways by network; one that is not there is taken to be reachable directly, one whose gateways have no addresses yet not at all. */
export type NetworkGateways = ReadonlyMap<string, readonly NetworkGateway[]>;

/** Label of namespaces, pods and gateway Services. Source: istio api label. */
export const networkLabelKey = "topology.istio.io/network";
/** Where a gateway's Service listens for other networks. Source: istio api label; default 15443. */
const portLabelKey = "networking.istio.io/gatewayPort";
const crossNetworkPort = 15443;

/** What a cluster's namespace of the mesh says for all its pods; "" when it says nothing. */
export function clusterNetwork({ objects }: Pick<MeshState, "objects">, rootNamespace: string): string {
  return objects.namespaces.get(rootNamespace)?.meta.labels[networkLabelKey] ?? "";
}

/** The network of a cluster's pods that do not name one: the label of the mesh's own namespace there, else MeshNetworks. */
export function networkOf(
  address: string,
  own: string | undefined,
  namespaceLabel: string | undefined,
  settings: Pick<MeshSettings, "networks" | "clusterId">,
): string {
  if (own !== undefined && own !== "") return own;
  if (namespaceLabel !== undefined && namespaceLabel !== "") return namespaceLabel;
  const networks = Object.entries(settings.networks);
  const byRegistry = networks.find(([, network]) =>
    network.endpoints.some(({ fromRegistry }) => fromRegistry === settings.clusterId),
  );
  const byRange = networks.find(([, network]) =>
    network.endpoints.some(({ fromCidr }) => fromCidr !== undefined && isInRange(address, fromCidr)),
  );
  return (byRange ?? byRegistry)?.[0] ?? "";
}

/** Addresses of a gateway that has a name (asked for each of them); none while it is not known. */
export type ResolvedNames = (name: string) => readonly string[];

const isAddress = (text: string) => /^[\d.]+$|:/.test(text);

/** Gateways that Services of all clusters (label `topology.istio.io/network`) and MeshNetworks name, in a fixed order. */
export function networkGateways(
  states: readonly MeshState[],
  settings: MeshSettings,
  resolved: ResolvedNames = () => [],
): NetworkGateways {
  const usable = (gateways: ReadonlyMap<string, NetworkGateway>) => {
    const found = new Map<string, NetworkGateway>();
    for (const { address: given, port } of gateways.values())
      for (const address of isAddress(given) ? [given] : resolved(given))
        found.set(`${address} ${port}`, { address, port });
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, gateway]) => gateway);
  };
  return new Map(
    [...namedGateways(states, settings)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([network, gateways]): [string, readonly NetworkGateway[]] => [network, usable(gateways)]),
  );
}

/** By network, each once; their addresses may be names. */
function namedGateways(
  states: readonly MeshState[],
  settings: MeshSettings,
): ReadonlyMap<string, ReadonlyMap<string, NetworkGateway>> {
  const found = new Map<string, Map<string, NetworkGateway>>();
  const add = (network: string, address: string, port: number): void => {
    const gateways = found.get(network) ?? new Map<string, NetworkGateway>();
    found.set(network, gateways.set(`${address} ${port}`, { address, port }));
  };
  const addressesOf = (state: MeshState, hostname: string): readonly string[] => {
    const service = state.services.get(hostname);
    const view = service && state.objects.services.get(`${service.namespace}/${service.name}`);
    return view === undefined ? [] : [...view.loadBalancerAddresses, ...view.externalIps];
  };
  for (const state of states) {
    for (const view of state.objects.services.values()) {
      const network = view.meta.labels[networkLabelKey];
      if (network === undefined || network === "") continue;
      const port = Number(view.meta.labels[portLabelKey] ?? crossNetworkPort);
      if (!view.ports.some((candidate) => candidate.port === port)) continue;
      for (const address of [...view.loadBalancerAddresses, ...view.externalIps]) add(network, address, port);
    }
  }
  for (const [network, { endpoints, gateways }] of Object.entries(settings.networks)) {
    const registries = new Set(endpoints.flatMap(({ fromRegistry }) => fromRegistry ?? []));
    for (const { address, registryServiceName, port } of gateways) {
      if (address !== undefined) add(network, address, port);
      // The Service of the network's own clusters, where it names any: all of them may have one of that name.
      else
        for (const state of states.filter((one) => registries.size === 0 || registries.has(one.settings.clusterId)))
          for (const ip of addressesOf(state, inDomain(registryServiceName ?? "", settings.domain)))
            add(network, ip, port);
    }
  }
  return found;
}

/** A Service by its full name in any cluster's domain; all registries are read in this one's. */
function inDomain(name: string, domain: string): string {
  const [, service] = /^([^.]+\.[^.]+)\.svc\./.exec(name) ?? [];
  return service === undefined ? name : `${service}.svc.${domain}`;
}

/** Who asks for endpoints, as far as the ways to them depend on it. */
export interface ClientOrigin {
  readonly cluster: string;
  /** "" is not known: then everything is taken to be reachable directly. */
  readonly network: string;
  /** A gateway passes on to its own network only: what came from another must not leave again. */
  readonly own?: true;
}

/** Network and cluster of an endpoint. */
export function whereIs(endpoint: Endpoint): { readonly network: string; readonly clusterId: string } {
  return endpoint.workload ?? endpoint.registry ?? { network: "", clusterId: "" };
}

/** True when the client can dial the endpoint itself. */
export function isDirect(endpoint: Endpoint, origin: ClientOrigin, gateways: NetworkGateways): boolean {
  const { network } = whereIs(endpoint);
  return network === "" || origin.network === "" || network === origin.network || !gateways.has(network);
}

/**
 * Endpoints as a client of one place reaches them: those of other networks are replaced by their gateways, which weigh as much as what is
 * behind them. Endpoints without a sidecar have no way through a gateway. Source: Istio pilot/pkg/xds/endpoints/ep_filters.go.
 */
export function throughGateways(
  endpoints: readonly Endpoint[],
  origin: ClientOrigin,
  gateways: NetworkGateways,
  scale = weightScale(endpoints, origin, gateways),
): readonly Endpoint[] {
  const direct: Endpoint[] = [];
  const behind = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const { network } = whereIs(endpoint);
    if (origin.own === true && network !== "" && origin.network !== "" && network !== origin.network) continue;
    if (isDirect(endpoint, origin, gateways)) direct.push(endpoint);
    else if (endpoint.meshed && endpoint.health === "healthy") {
      behind.set(network, [...(behind.get(network) ?? []), endpoint]);
    }
  }
  const scaled = scale === 1 ? direct : direct.map((endpoint) => ({ ...endpoint, weight: weightOf(endpoint) * scale }));
  const shared = [...behind].flatMap(([network, members]) => {
    const ways = gateways.get(network) ?? [];
    const weight = (members.reduce((sum, endpoint) => sum + weightOf(endpoint), 0) * scale) / Math.max(1, ways.length);
    return ways.map((way) => gatewayEndpoint(way, members, weight));
  });
  return [...scaled, ...shared];
}

/** What all weights are multiplied by, so that the share of each gateway is a whole number. */
export function weightScale(endpoints: readonly Endpoint[], origin: ClientOrigin, gateways: NetworkGateways): number {
  const behind = new Set(endpoints.flatMap((one) => (isDirect(one, origin, gateways) ? [] : [whereIs(one).network])));
  return [...behind].map((network) => gateways.get(network)?.length ?? 1).reduce(leastCommonMultiple, 1);
}

function gatewayEndpoint(way: NetworkGateway, members: readonly Endpoint[], weight: number): Endpoint {
  const [first] = members;
  const { network, clusterId } = first === undefined ? { network: "", clusterId: "" } : whereIs(first);
  const same = members.every(
    ({ workload }) => workload?.workloadName === first?.workload?.workloadName && workload?.clusterId === clusterId,
  );
  return {
    address: way.address,
    port: way.port,
    health: "healthy",
    hostname: "",
    locality: first?.locality ?? { region: "", zone: "", subzone: "" },
    labels: {},
    meshed: true,
    // Metrics name who serves only where that is certain.
    workload: same ? first?.workload : undefined,
    registry: { network, clusterId },
    weight,
  };
}

/** Default: 1. */
export function weightOf(endpoint: Endpoint): number {
  return Math.max(1, endpoint.weight ?? endpoint.workload?.weight ?? 1);
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, Math.max(1, b)];
  while (y > 0) [x, y] = [y, x % y];
  return (a * Math.max(1, b)) / x;
}
