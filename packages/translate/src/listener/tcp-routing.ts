import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WeightedDestination } from "@heddle/config";
import type { MeshPort, MeshService, OutboundView, WrittenAt } from "@heddle/model";
import type { FilterChainSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { cidrRange } from "../address.ts";
import { effectivePolicy } from "../cluster/effective-policy.ts";
import { outboundClusterName } from "../cluster/outbound-cluster.ts";
import { provenance } from "../provenance.ts";
import { destinationCluster } from "../route/destination-cluster.ts";
import type { RuleIndex } from "../route/rule-index.ts";
import { type TcpTarget, tcpFilters, tcpSettings } from "./tcp-proxy.ts";

type FilterChain = MessageInitShape<typeof FilterChainSchema>;

/** Conditions that a chain may have here. */
export interface ChainCondition {
  readonly serverNames?: string[];
  readonly prefixRanges?: { addressPrefix: string; prefixLen: number }[];
}

/** How connections to a service port that are not HTTP are routed. */
export interface TcpRouting {
  /** Chains with a condition: server names, destination ranges. */
  readonly chains: readonly FilterChain[];
  /** For everything else. */
  readonly rest: FilterChain;
  /** Chains look at the TLS server name. */
  readonly needsSni: boolean;
}

/** @param within Conditions that every chain needs, for listeners that several services share. */
export function tcpRouting(
  view: OutboundView,
  rules: RuleIndex,
  service: MeshService,
  port: MeshPort,
  within: ChainCondition = {},
): TcpRouting {
  const rule = rules.ruleOf(service.hostname);
  const chain = (match: ChainCondition, target: TcpTarget, at?: WrittenAt): FilterChain => ({
    metadata: provenance([service.source, ...(at === undefined ? [] : (rule?.sources ?? []))], { route: at }),
    ...(Object.keys(match).length > 0 ? { filterChainMatch: match } : {}),
    filters: tcpFilters(target, tcpSettings(view)),
  });
  const chains: FilterChain[] = [];
  const isTls = port.protocol === "tls" || port.protocol === "https";
  for (const route of isTls ? (rule?.tls ?? []) : []) {
    for (const match of route.match) {
      if (match.port !== undefined && match.port !== port.number) continue;
      const ranges = match.destinationSubnets.map(cidrRange);
      chains.push(
        chain(
          { ...within, serverNames: [...match.sniHosts], ...(ranges.length > 0 ? { prefixRanges: ranges } : {}) },
          weightedTarget(view, route.route, port.number),
          route.at,
        ),
      );
    }
  }
  const needsSni = chains.length > 0;
  let rest: TcpTarget | undefined;
  let restAt: WrittenAt | undefined;
  for (const route of rule?.tcp ?? []) {
    const matches = route.match.filter((match) => match.port === undefined || match.port === port.number);
    if (route.match.length > 0 && matches.length === 0) continue;
    const ranges = matches.flatMap((match) => match.destinationSubnets.map(cidrRange));
    const target = weightedTarget(view, route.route, port.number);
    if (matches.length > 0 && matches.every((match) => match.destinationSubnets.length > 0))
      chains.push(chain({ ...within, prefixRanges: ranges }, target, route.at));
    else {
      rest = target;
      restAt = route.at;
      break;
    }
  }
  return { chains, rest: chain(within, rest ?? direct(view, service, port), restAt), needsSni };
}

function direct(view: OutboundView, service: MeshService, port: MeshPort): TcpTarget {
  const idle = effectivePolicy(view.policies[service.hostname], port.number, undefined).connectionPool?.tcp
    ?.idleTimeout;
  const clusters = [{ name: outboundClusterName(service, port), weight: 1 }];
  return idle === undefined ? { clusters } : { clusters, idleTimeoutMs: idle };
}

/** Where the destinations of a TCP or TLS route lead. */
export function weightedTarget(
  view: OutboundView,
  destinations: readonly WeightedDestination[],
  port: number,
): TcpTarget {
  const single = destinations.length === 1;
  return {
    clusters: destinations
      // Envoy refuses a weight of zero for TCP: such a destination gets nothing anyway.
      .filter((entry) => single || entry.weight > 0)
      .map((entry) => ({ name: destinationCluster(view, entry.destination, port), weight: single ? 1 : entry.weight })),
  };
}
