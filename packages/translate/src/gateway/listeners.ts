import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  formatSni,
  type GatewayServer,
  hostMatches,
  type MeshService,
  type OutboundView,
  type RoutingRule,
  type WrittenAt,
} from "@heddle/model";
import { TrafficDirection } from "@heddle/xds-api/envoy/config/core/v3/base";
import { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import {
  FilterChainMatchSchema,
  FilterChainSchema,
} from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { listenerLogs } from "../access-log.ts";
import { cidrRange, tcpAddress } from "../address.ts";
import { networkAccess } from "../authorization/network-access.ts";
import { accessRules } from "../authorization/rbac.ts";
import { blackHoleCluster } from "../cluster/fixed-clusters.ts";
import { portsAndSubsets } from "../cluster/outbound-cluster.ts";
import { connectionManager } from "../http/connection-manager.ts";
import { meshHttpProtocols, meshTcpProtocols, proxyProtocol, tlsInspector } from "../listener/inspectors.ts";
import { oneCluster, type TcpTarget, tcpFilters, tcpSettings } from "../listener/tcp-proxy.ts";
import { weightedTarget } from "../listener/tcp-routing.ts";
import { provenance } from "../provenance.ts";
import { serverTls } from "../tls/server-tls.ts";
import { namesAmong } from "./global-name.ts";
import { podTargets } from "./pod-passthrough.ts";
import { type GatewayPort, gatewayPorts, gatewayRouteName, readsHttp } from "./ports.ts";

type FilterChain = MessageInitShape<typeof FilterChainSchema>;

/** What a gateway's proxies open. A port without anything to do there is not opened. */
export function gatewayListeners(view: OutboundView): readonly Listener[] {
  const introduced = view.settings.mesh.defaultConfig.gatewayTopology?.proxyProtocol !== undefined;
  return gatewayPorts(view).flatMap((port) => {
    const chains = distinct(chainsOf(view, port));
    if (chains.length === 0) return [];
    return [
      create(ListenerSchema, {
        name: `${port.bind}_${port.number}`,
        address: tcpAddress(port.bind, port.number),
        trafficDirection: TrafficDirection.OUTBOUND,
        listenerFilters: [...(introduced ? [proxyProtocol()] : []), ...(port.wire === "tls" ? [tlsInspector()] : [])],
        filterChains: chains,
        accessLog: listenerLogs(view.settings.mesh),
        metadata: provenance(port.servers.map(({ at }) => at)),
      }),
    ];
  });
}

function chainsOf(view: OutboundView, port: GatewayPort): readonly FilterChain[] {
  if (port.wire === "http") {
    const [first] = port.servers;
    return first === undefined ? [] : [{ name: `${port.number}-http`, filters: [httpFilter(view, port, first)] }];
  }
  return port.servers.flatMap((server) => serverChains(view, port, server));
}

function httpFilter(view: OutboundView, port: GatewayPort, server: GatewayServer) {
  return connectionManager({
    direction: "gateway",
    access: accessRules(view.authorization, view.settings, true),
    statPrefix: `outbound_${port.bind}_${port.number}`,
    dataPlane: view.dataPlane,
    mesh: view.settings.mesh,
    tracing: view.tracing,
    metrics: view.metrics,
    routes: gatewayRouteName(port, server),
  });
}

function serverChains(view: OutboundView, port: GatewayPort, server: GatewayServer): readonly FilterChain[] {
  const metadata = provenance([server.at]);
  const { gateway } = server;
  const name = `${port.number}-${gateway.namespace}-${gateway.name}-${server.server.port.name}`;
  const tcp = (target: TcpTarget) => [
    ...networkAccess(view.authorization, view.settings),
    ...tcpFilters(target, tcpSettings(view)),
  ];
  if (port.wire === "tcp") {
    return server.rules.flatMap((rule) =>
      tcpRoutes(view, rule, server).map(({ ranges, target, at }) => ({
        name,
        metadata: provenance([server.at, ...rule.sources], { route: at }),
        ...(ranges.length > 0 ? { filterChainMatch: { prefixRanges: ranges.map(cidrRange) } } : {}),
        filters: tcp(target),
      })),
    );
  }
  const tls = server.server.tls;
  if (tls?.mode === "AUTO_PASSTHROUGH") return autoPassthrough(view, server, name);
  if (tls === undefined || tls.mode === "PASSTHROUGH") return passthrough(view, server, name);
  const match = sniMatch(server.hosts);
  if (readsHttp(server)) {
    const transportSocket = serverTls(tls, ["h2", "http/1.1"], view.settings, view.dataPlane);
    return [{ name, metadata, ...match, filters: [httpFilter(view, port, server)], transportSocket }];
  }
  // TLS ends here and bytes come out: VirtualServices route them as TCP.
  const transportSocket = serverTls(tls, [], view.settings, view.dataPlane);
  const targets = server.rules.flatMap((rule) => tcpRoutes(view, rule, server).map(({ target }) => target));
  return [{ name, metadata, ...match, filters: tcp(targets[0] ?? oneCluster(blackHoleCluster)), transportSocket }];
}

function sniMatch(hosts: readonly string[]): Pick<FilterChain, "filterChainMatch"> {
  return hosts.includes("*") ? {} : { filterChainMatch: { serverNames: [...hosts] } };
}

interface TcpChoice {
  readonly ranges: readonly string[];
  readonly target: TcpTarget;
  readonly at: WrittenAt;
}

function tcpRoutes(view: OutboundView, rule: RoutingRule, { server }: GatewayServer): readonly TcpChoice[] {
  return rule.tcp.flatMap((route) => {
    const matches = route.match.filter((match) => match.port === undefined || match.port === server.port.number);
    if (route.match.length > 0 && matches.length === 0) return [];
    const target = weightedTarget(view, route.route, server.port.number);
    const every = matches.length === 0 || matches.some((match) => match.destinationSubnets.length === 0);
    return [{ ranges: every ? [] : matches.flatMap((match) => match.destinationSubnets), target, at: route.at }];
  });
}

/** TLS that is passed on unread goes where `tls` routes say by server name. */
function passthrough(view: OutboundView, server: GatewayServer, name: string): readonly FilterChain[] {
  return server.rules.flatMap((rule) =>
    rule.tls.flatMap((route) =>
      route.match
        .filter((match) => match.port === undefined || match.port === server.server.port.number)
        .map((match) => ({
          name,
          metadata: provenance([server.at, ...rule.sources], { route: route.at }),
          ...sniMatch(match.sniHosts.filter((sni) => server.hosts.some((host) => hostMatches(host, sni)))),
          filters: [
            ...networkAccess(view.authorization, view.settings),
            ...tcpFilters(weightedTarget(view, route.route, server.server.port.number), tcpSettings(view)),
          ],
        })),
    ),
  );
}

/**
 * Mesh mTLS from another network names its cluster as the server name; it is passed on unread, without any VirtualService. Other TLS is
 * refused: what is behind may take it without asking for a certificate. Source: Istio.
 */
function autoPassthrough(view: OutboundView, server: GatewayServer, name: string): readonly FilterChain[] {
  const chain = (service: MeshService, sni: string, cluster: string): FilterChain => ({
    name: `${name}-${sni}`,
    metadata: provenance([server.at, service.source]),
    filterChainMatch: { serverNames: [sni], applicationProtocols: [...meshTcpProtocols, ...meshHttpProtocols] },
    filters: tcpFilters(oneCluster(cluster), tcpSettings(view)),
  });
  const services = view.services.flatMap((service) =>
    namesAmong(server.hosts, service, view.settings).flatMap((hostname) =>
      portsAndSubsets(service, view.policies[service.hostname]).map(({ port, subset }) =>
        chain(service, formatSni(port.number, subset, hostname), formatSni(port.number, subset, service.hostname)),
      ),
    ),
  );
  const pods = view.services.flatMap((service) =>
    podTargets(view, service, server.hosts).map(({ sni }) => chain(service, sni, sni)),
  );
  return [...services, ...pods];
}

/** Envoy refuses two chains with one condition; the older Gateway keeps it. A server name is taken once. */
function distinct(chains: readonly FilterChain[]): FilterChain[] {
  const taken = new Set<string>();
  return chains.flatMap((chain): FilterChain[] => {
    const match = chain.filterChainMatch;
    const names = match?.serverNames ?? [];
    const rest = JSON.stringify(match?.prefixRanges ?? []);
    if (match === undefined || names.length === 0) {
      if (taken.has(rest)) return [];
      taken.add(rest);
      return [chain];
    }
    const free = names.filter((name) => !taken.has(`${name} ${rest}`));
    for (const name of free) taken.add(`${name} ${rest}`);
    if (free.length === 0) return [];
    const narrower = create(FilterChainSchema, chain);
    narrower.filterChainMatch = create(FilterChainMatchSchema, {
      serverNames: free,
      prefixRanges: match.prefixRanges ?? [],
      applicationProtocols: match.applicationProtocols ?? [],
    });
    return [narrower];
  });
}
