import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type MeshPort, type MeshService, type OutboundView, wireOf } from "@heddle/model";
import { TrafficDirection } from "@heddle/xds-api/envoy/config/core/v3/base";
import { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import type { FilterChainSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { tcpAddress } from "../address.ts";
import { blackHoleCluster, passthroughCluster } from "../cluster/fixed-clusters.ts";
import { outboundClusterName } from "../cluster/outbound-cluster.ts";
import { connectionManager } from "../http/connection-manager.ts";
import { protoDuration } from "../proto-duration.ts";
import { provenance } from "../provenance.ts";
import { detectedRouteName, httpPorts, type ServicePort } from "../route/outbound-routes.ts";
import { httpInspector, plainHttpProtocols, tlsInspector } from "./inspectors.ts";
import { tcpFilters } from "./tcp-proxy.ts";

type FilterChain = MessageInitShape<typeof FilterChainSchema>;

/** Where unknown connections go, by `outboundTrafficPolicy`. */
function fallbackCluster(view: OutboundView): string {
  return view.settings.mesh.outboundTrafficPolicy.mode === "REGISTRY_ONLY" ? blackHoleCluster : passthroughCluster;
}

export function outboundListeners(view: OutboundView): readonly Listener[] {
  const { mesh } = view.settings;
  // A listener on one of the sidecar's own ports would clash with the real one.
  const reserved = new Set([
    mesh.proxyListenPort,
    mesh.proxyInboundListenPort,
    15021,
    15090,
    mesh.defaultConfig.statusPort,
  ]);
  const wildcard = [...httpPorts(view)]
    .filter(([port]) => !reserved.has(port))
    .map(([port, services]) => httpListener(view, port, services));
  const byAddress = new Map<string, Listener>();
  for (const service of view.services) {
    for (const port of service.ports) {
      const wire = wireOf(port.protocol);
      if (wire !== "tcp" && wire !== "detect") continue;
      for (const [address, number] of destinations(view, service, port)) {
        const name = `${address}_${number}`;
        if (!byAddress.has(name)) byAddress.set(name, addressListener(view, service, port, address, number));
      }
    }
  }
  return [virtualOutbound(view), ...wildcard, ...byAddress.values()];
}

/** The addresses that callers dial: cluster IPs, or the endpoints themselves when the service is headless. */
function destinations(
  view: OutboundView,
  service: MeshService,
  port: MeshPort,
): readonly (readonly [string, number])[] {
  if (!service.headless) return service.addresses.map((address) => [address, port.number] as const);
  return (view.headless[service.hostname] ?? [])
    .filter((endpoint) => endpoint.portName === port.name)
    .map((endpoint) => [endpoint.address, endpoint.port] as const);
}

/** Receives everything that the interception rules redirect, and hands it to the listener of the original destination. */
function virtualOutbound(view: OutboundView): Listener {
  const { mesh } = view.settings;
  return create(ListenerSchema, {
    name: "virtualOutbound",
    address: tcpAddress("0.0.0.0", mesh.proxyListenPort),
    trafficDirection: TrafficDirection.OUTBOUND,
    useOriginalDst: true,
    filterChains: [
      {
        name: "virtualOutbound-blackhole",
        filterChainMatch: { destinationPort: mesh.proxyListenPort },
        filters: tcpFilters(blackHoleCluster, view.dataPlane, mesh),
      },
      { name: "virtualOutbound-catchall-tcp", filters: tcpFilters(fallbackCluster(view), view.dataPlane, mesh) },
    ],
  });
}

/** All HTTP services of one port; what is not HTTP, or was sent to another address of that port, passes through. */
function httpListener(view: OutboundView, port: number, services: readonly ServicePort[]): Listener {
  const { mesh } = view.settings;
  return create(ListenerSchema, {
    name: `0.0.0.0_${port}`,
    address: tcpAddress("0.0.0.0", port),
    bindToPort: false,
    trafficDirection: TrafficDirection.OUTBOUND,
    ...detection(view),
    filterChains: [httpChain(view, String(port), `outbound_0.0.0.0_${port}`)],
    defaultFilterChain: {
      name: "PassthroughFilterChain",
      filters: tcpFilters(fallbackCluster(view), view.dataPlane, mesh),
    },
    metadata: provenance(services.map(({ service }) => service.source)),
  });
}

/** One service port at one address: TCP, or either when the protocol is detected. */
function addressListener(
  view: OutboundView,
  service: MeshService,
  port: MeshPort,
  address: string,
  number: number,
): Listener {
  const { mesh } = view.settings;
  const tcp: FilterChain = { filters: tcpFilters(outboundClusterName(service, port), view.dataPlane, mesh) };
  // A headless service's callers have chosen the endpoint; routing by host could not send the request elsewhere.
  const detect = wireOf(port.protocol) === "detect" && !service.headless;
  return create(ListenerSchema, {
    name: `${address}_${number}`,
    address: tcpAddress(address, number),
    bindToPort: false,
    trafficDirection: TrafficDirection.OUTBOUND,
    metadata: provenance([service.source]),
    ...(detect
      ? {
          ...detection(view),
          filterChains: [httpChain(view, detectedRouteName(service, port), `outbound_${address}_${number}`)],
          defaultFilterChain: tcp,
        }
      : { filterChains: [tcp] }),
  });
}

function httpChain(view: OutboundView, routes: string, statPrefix: string): FilterChain {
  return {
    filterChainMatch: { transportProtocol: "raw_buffer", applicationProtocols: [...plainHttpProtocols] },
    filters: [
      connectionManager({
        direction: "outbound",
        statPrefix,
        dataPlane: view.dataPlane,
        mesh: view.settings.mesh,
        routes,
      }),
    ],
  };
}

/** A server-first protocol sends nothing to inspect: after the timeout the connection is plain TCP. */
function detection(view: OutboundView) {
  return {
    listenerFilters: [tlsInspector(), httpInspector()],
    listenerFiltersTimeout: protoDuration(view.settings.mesh.protocolDetectionTimeout),
    continueOnListenerFiltersTimeout: true,
  };
}
