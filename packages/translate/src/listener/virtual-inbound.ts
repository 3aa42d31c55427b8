import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Mode } from "@heddle/config";
import type { InboundView } from "@heddle/model";
import { TrafficDirection } from "@heddle/xds-api/envoy/config/core/v3/base";
import { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import type { FilterChainSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { listenerLogs } from "../access-log.ts";
import { tcpAddress } from "../address.ts";
import { blackHoleCluster } from "../cluster/fixed-clusters.ts";
import { protoDuration } from "../proto-duration.ts";
import { inboundChains } from "./inbound-chains.ts";
import { httpInspector, originalDestination, tlsInspector } from "./inspectors.ts";
import { oneCluster, tcpFilters } from "./tcp-proxy.ts";

/** Receives everything that comes into the pod. The chain is chosen by original port, transport and application protocol. */
export function virtualInbound(view: InboundView): Listener {
  const { mesh } = view.settings;
  const modeOf = (port: number): Mode => view.mtls.ports[port] ?? view.mtls.mode;
  const known = new Set(view.ports.map((port) => port.number));
  const onlyByPolicy = Object.keys(view.mtls.ports)
    .map(Number)
    .filter((port) => !known.has(port));
  const chains: MessageInitShape<typeof FilterChainSchema>[] = [
    {
      // A connection to the inbound port itself would be passed to itself for ever.
      name: "virtualInbound-blackhole",
      filterChainMatch: { destinationPort: mesh.proxyInboundListenPort },
      filters: tcpFilters(
        oneCluster(blackHoleCluster),
        { dataPlane: view.proxy.dataPlane, mesh, metrics: view.metrics },
        "inbound",
      ),
    },
    ...inboundChains(view, { number: undefined, port: undefined, mode: view.mtls.mode }),
    ...onlyByPolicy.flatMap((number) => inboundChains(view, { number, port: undefined, mode: modeOf(number) })),
    ...view.ports.flatMap((port) => inboundChains(view, { number: port.number, port, mode: modeOf(port.number) })),
  ];
  return create(ListenerSchema, {
    name: "virtualInbound",
    address: tcpAddress("0.0.0.0", mesh.proxyInboundListenPort),
    trafficDirection: TrafficDirection.INBOUND,
    listenerFilters: [originalDestination(), tlsInspector(), httpInspector()],
    listenerFiltersTimeout: protoDuration(mesh.protocolDetectionTimeout),
    continueOnListenerFiltersTimeout: true,
    filterChains: chains,
    accessLog: listenerLogs(mesh),
  });
}
