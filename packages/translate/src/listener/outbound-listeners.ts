import { create } from "@bufbuild/protobuf";
import { type MeshPort, type MeshService, type OutboundView, wireOf } from "@heddle/model";
import { TrafficDirection } from "@heddle/xds-api/envoy/config/core/v3/base";
import { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { listenerLogs } from "../access-log.ts";
import { tcpAddress } from "../address.ts";
import { blackHoleCluster } from "../cluster/fixed-clusters.ts";
import { provenance } from "../provenance.ts";
import { detectedRouteName } from "../route/outbound-routes.ts";
import { createRuleIndex, type RuleIndex } from "../route/rule-index.ts";
import { detection, fallbackTarget, httpChain } from "./detection.ts";
import { egressListeners } from "./egress-listeners.ts";
import { sharedListeners } from "./shared-listener.ts";
import { oneCluster, tcpFilters, tcpSettings } from "./tcp-proxy.ts";
import { tcpRouting } from "./tcp-routing.ts";

export function outboundListeners(view: OutboundView): readonly Listener[] {
  const { mesh } = view.settings;
  const rules = createRuleIndex(view);
  // A listener on one of the sidecar's own ports would clash with the real one.
  const reserved = new Set([
    mesh.proxyListenPort,
    mesh.proxyInboundListenPort,
    15021,
    15090,
    mesh.defaultConfig.statusPort,
  ]);
  const byAddress = new Map<string, Listener>();
  for (const service of view.services) {
    for (const port of service.ports) {
      const wire = wireOf(port.protocol);
      if (wire !== "tcp" && wire !== "detect") continue;
      for (const [address, number] of destinations(view, service, port)) {
        const name = `${address}_${number}`;
        if (!byAddress.has(name)) byAddress.set(name, addressListener(view, rules, service, port, address, number));
      }
    }
  }
  const taken = [virtualOutbound(view), ...sharedListeners(view, rules, reserved), ...byAddress.values()];
  const names = new Set(taken.map((listener) => listener.name));
  return [...taken, ...egressListeners(view).filter((listener) => !names.has(listener.name))];
}

/** The addresses that callers dial: cluster IPs, or the endpoints themselves when the service is headless. */
function destinations(
  view: OutboundView,
  service: MeshService,
  port: MeshPort,
): readonly (readonly [string, number])[] {
  if (!service.headless) {
    return [...service.addresses, ...service.autoAddresses]
      .filter((address) => !address.includes("/"))
      .map((address) => [address, port.number] as const);
  }
  // Its endpoints are the addresses of its pods' own mirrors, which have listeners there.
  if (service.remoteName !== undefined) return [];
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
    accessLog: listenerLogs(mesh),
    filterChains: [
      {
        name: "virtualOutbound-blackhole",
        filterChainMatch: { destinationPort: mesh.proxyListenPort },
        filters: tcpFilters(oneCluster(blackHoleCluster), tcpSettings(view)),
      },
      {
        name: "virtualOutbound-catchall-tcp",
        filters: tcpFilters(fallbackTarget(view), tcpSettings(view)),
        metadata: provenance([view.outboundModeAt.source], { outboundTrafficPolicy: view.outboundModeAt }),
      },
    ],
  });
}

/** One service port at one address: TCP, or either when the protocol is detected. */
function addressListener(
  view: OutboundView,
  rules: RuleIndex,
  service: MeshService,
  port: MeshPort,
  address: string,
  number: number,
): Listener {
  const { chains, rest, needsSni } = tcpRouting(view, rules, service, port);
  // A headless service's callers have chosen the endpoint; routing by host could not send the request elsewhere.
  const detect = wireOf(port.protocol) === "detect" && !service.headless;
  const http = detect ? [httpChain(view, detectedRouteName(service, port), `outbound_${address}_${number}`)] : [];
  const conditional = [...http, ...chains];
  const rule = rules.ruleOf(service.hostname);
  return create(ListenerSchema, {
    name: `${address}_${number}`,
    address: tcpAddress(address, number),
    bindToPort: false,
    trafficDirection: TrafficDirection.OUTBOUND,
    metadata: provenance([service.source, ...(rule?.sources ?? [])]),
    ...(detect || needsSni ? detection(view) : {}),
    filterChains: conditional.length > 0 ? conditional : [rest],
    ...(conditional.length > 0 ? { defaultFilterChain: rest } : {}),
  });
}
