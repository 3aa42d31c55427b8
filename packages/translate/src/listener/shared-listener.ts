import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type MeshPort, type MeshService, type OutboundView, wireOf } from "@heddle/model";
import { TrafficDirection } from "@heddle/xds-api/envoy/config/core/v3/base";
import { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import type { FilterChainSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { cidrRange, tcpAddress } from "../address.ts";
import { provenance } from "../provenance.ts";
import { httpPorts, isAddressless } from "../route/outbound-routes.ts";
import type { RuleIndex } from "../route/rule-index.ts";
import { detection, fallbackTarget, httpChain } from "./detection.ts";
import { tcpFilters, tcpSettings } from "./tcp-proxy.ts";
import { tcpRouting } from "./tcp-routing.ts";

type FilterChain = MessageInitShape<typeof FilterChainSchema>;

/** What shares the listener `0.0.0.0_<port>`: everything that has no single address to stand at. */
interface SharedPort {
  http: boolean;
  byName: boolean;
  readonly services: MeshService[];
  /** TLS by server name, and TCP by destination range. */
  readonly chains: FilterChain[];
  /** The first plain TCP service without an address takes what nothing else matches. */
  rest: FilterChain | undefined;
}

export function sharedListeners(
  view: OutboundView,
  rules: RuleIndex,
  reserved: ReadonlySet<number>,
): readonly Listener[] {
  const ports = new Map<number, SharedPort>();
  const at = (number: number, service: MeshService): SharedPort => {
    const found = ports.get(number) ?? { http: false, byName: false, services: [], chains: [], rest: undefined };
    ports.set(number, found);
    if (!found.services.includes(service)) found.services.push(service);
    return found;
  };
  for (const [number, services] of httpPorts(view)) {
    for (const { service } of services) at(number, service).http = true;
  }
  for (const service of view.services) {
    for (const port of service.ports) addTcp(view, rules, service, port, at);
  }
  return [...ports]
    .filter(([number]) => !reserved.has(number))
    .map(([number, shared]) => listener(view, number, shared));
}

function addTcp(
  view: OutboundView,
  rules: RuleIndex,
  service: MeshService,
  port: MeshPort,
  at: (number: number, service: MeshService) => SharedPort,
): void {
  const wire = wireOf(port.protocol);
  if (wire !== "tcp" && wire !== "detect") return;
  const ranges = service.addresses.filter((address) => address.includes("/")).map(cidrRange);
  if (ranges.length > 0) {
    const { chains, rest, needsSni } = tcpRouting(view, rules, service, port, { prefixRanges: ranges });
    const shared = at(port.number, service);
    shared.chains.push(...chains, rest);
    shared.byName ||= needsSni;
  }
  // The name of an ExternalName service resolves to an address that other listeners, or the pass-through, take care of.
  if (!isAddressless(service) || service.source.kind === "Service") return;
  if (port.protocol === "tls" || port.protocol === "https") {
    const { chains, rest } = tcpRouting(view, rules, service, port, { serverNames: [service.hostname] });
    const shared = at(port.number, service);
    shared.chains.push(...(chains.length > 0 ? chains : [rest]));
    shared.byName = true;
    return;
  }
  const shared = at(port.number, service);
  shared.rest ??= tcpRouting(view, rules, service, port).rest;
}

function listener(view: OutboundView, number: number, shared: SharedPort): Listener {
  const name = `0.0.0.0_${number}`;
  const http = shared.http ? [httpChain(view, String(number), `outbound_${name}`)] : [];
  const chains = [...http, ...distinct(shared.chains)];
  const rest: FilterChain = shared.rest ?? {
    name: "PassthroughFilterChain",
    filters: tcpFilters(fallbackTarget(view), tcpSettings(view)),
    metadata: provenance([view.outboundModeAt.source], { outboundTrafficPolicy: view.outboundModeAt }),
  };
  return create(ListenerSchema, {
    name,
    address: tcpAddress("0.0.0.0", number),
    bindToPort: false,
    trafficDirection: TrafficDirection.OUTBOUND,
    // Ranges alone need no look at the bytes, which would hold up protocols whose server speaks first.
    ...(shared.http || shared.byName ? detection(view) : {}),
    filterChains: chains.length > 0 ? chains : [rest],
    ...(chains.length > 0 ? { defaultFilterChain: rest } : {}),
    metadata: provenance(shared.services.map((service) => service.source)),
  });
}

/** Envoy refuses two chains with one condition: the first, of the service that sorts first, stays. */
function distinct(chains: readonly FilterChain[]): readonly FilterChain[] {
  const seen = new Set<string>();
  return chains.filter((chain) => {
    const key = JSON.stringify(chain.filterChainMatch ?? {});
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
