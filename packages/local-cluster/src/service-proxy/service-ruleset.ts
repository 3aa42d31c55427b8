import { type Chain, type MapElement, PRIORITY, type Rule, type Ruleset, type Statement } from "@heddle/netlink";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import { WAN_DEVICE, WAN_PREFIX } from "../wan/wan-addresses.ts";
import type { EndpointSlice, Service, ServicePort } from "./service.ts";

/** What the ruleset needs to know of one Service. */
export interface ServiceWithEndpoints {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
}

export const SERVICE_TABLE = { family: "ip", name: "heddle-services" } as const;

const SERVICES_MAP = "services";
const EMPTY_MAP = "services-without-endpoints";
const REFUSE = "refuse";
/** Connections that come back to their own sender must leave with the node's address, or the sender drops the answer. */
const HAIRPIN_MARK = 0x4000;
const KEY = ["daddr", "protocol", "dport"] as const;

/**
 * The node's packet rules for all Services. Pure. Connections to a Service's address are led to one of its endpoints at random; those to a
 * Service without endpoints, and those that have no way out of the node, are refused at once.
 */
export function serviceRuleset(plan: ClusterNetworkPlan, services: readonly ServiceWithEndpoints[]): Ruleset {
  const chains: Chain[] = [];
  const served: MapElement[] = [];
  const empty: MapElement[] = [];
  for (const { service, slices } of services) {
    for (const port of service.ports) {
      const endpoints = endpointsOf(port, slices);
      const name = `service-${service.namespace}/${service.name}/${port.protocol}/${port.port}`;
      const keys = addressesOf(service, port, plan);
      if (keys.length === 0) continue;
      if (endpoints.length === 0) {
        empty.push(...keys.map((key) => ({ key, verdict: { kind: "goto", chain: REFUSE } as const })));
        continue;
      }
      served.push(...keys.map((key) => ({ key, verdict: { kind: "goto", chain: name } as const })));
      chains.push(...serviceChains(name, endpoints, service.clientAffinity));
    }
  }
  const table = {
    ...SERVICE_TABLE,
    maps: [
      { name: SERVICES_MAP, key: KEY, elements: unique(served) },
      { name: EMPTY_MAP, key: KEY, elements: unique(empty) },
    ],
    chains: [...baseChains(plan), ...chains],
  };
  return { tables: [table] };
}

interface Target {
  readonly ip: string;
  readonly port: number;
}

/** Ready endpoints; where there is none, those that still serve while they terminate. */
export function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[]): readonly Target[] {
  const collect = (wanted: "ready" | "serving") => {
    const found = new Map<string, Target>();
    for (const slice of slices) {
      const target = slice.ports.find((p) => p.name === port.name && p.protocol === port.protocol);
      if (target === undefined) continue;
      for (const endpoint of slice.endpoints) {
        const [ip] = endpoint.addresses;
        if (endpoint[wanted] && ip !== undefined) found.set(`${ip}:${target.port}`, { ip, port: target.port });
      }
    }
    return [...found.values()];
  };
  const ready = collect("ready");
  return ready.length > 0 ? ready : collect("serving");
}

function addressesOf(service: Service, port: ServicePort, plan: ClusterNetworkPlan): readonly (string | number)[][] {
  const keys = [...service.clusterIps, ...service.externalIps, ...service.balancerIps]
    // The DNS address is the node's own: the server listens there, no translation needed. Nor may a load balancer take the API's port.
    .filter((ip) => ip !== plan.dnsServiceIp && !(ip === plan.externalIp && port.port === plan.apiPort))
    .map((ip) => [ip, port.protocol, port.port]);
  if (port.nodePort !== undefined) keys.push([plan.nodeIp, port.protocol, port.nodePort]);
  return keys;
}

function serviceChains(name: string, endpoints: readonly Target[], affinity: boolean): Chain[] {
  const chainOf = (target: Target) => `${name}/${target.ip}/${target.port}`;
  const choose: Rule[] = endpoints.map((target, index) => {
    const rest = endpoints.length - index;
    const go: Statement = { kind: "goto", chain: chainOf(target) };
    if (rest === 1) return { statements: [go] };
    // Each rule takes its share of what the rules before it left over.
    const share: Statement = affinity
      ? { kind: "source-hash", modulus: endpoints.length, remainder: index, seed: 1 }
      : { kind: "random", modulus: rest };
    return { statements: [share, go] };
  });
  const targets = endpoints.map((target) => ({
    name: chainOf(target),
    rules: [
      rule({ kind: "address", side: "source", prefix: target.ip }, { kind: "set-mark", bits: HAIRPIN_MARK }),
      rule({ kind: "destination-nat", address: target.ip, port: target.port }),
    ],
  }));
  return [{ name, rules: choose }, ...targets];
}

function baseChains(plan: ClusterNetworkPlan): Chain[] {
  const translate = [rule({ kind: "lookup", map: SERVICES_MAP })];
  const refuseEmpty = rule({ kind: "lookup", map: EMPTY_MAP });
  // The default route leads to loopback so that what has no way out arrives here and is refused instead of timing out.
  const nowhere: Statement = { kind: "interface", direction: "out", name: "lo" };
  const refuse: Statement = { kind: "goto", chain: REFUSE };
  const hairpin: Statement = { kind: "mark", value: HAIRPIN_MARK, mask: HAIRPIN_MARK };
  return [
    { name: "prerouting", hook: { type: "nat", name: "prerouting", priority: PRIORITY.dstnat }, rules: translate },
    { name: "output-nat", hook: { type: "nat", name: "output", priority: PRIORITY.dstnat }, rules: translate },
    {
      name: "postrouting",
      hook: { type: "nat", name: "postrouting", priority: PRIORITY.srcnat },
      rules: [rule(hairpin, { kind: "source-nat", address: plan.nodeIp }), wanSource(plan)],
    },
    { name: "input", hook: { type: "filter", name: "input", priority: PRIORITY.filter }, rules: [refuseEmpty] },
    {
      name: "forward",
      hook: { type: "filter", name: "forward", priority: PRIORITY.filter },
      rules: [refuseEmpty, rule(nowhere, refuse), ...wanGate(plan, refuse)],
    },
    {
      name: "output-filter",
      hook: { type: "filter", name: "output", priority: PRIORITY.filter },
      rules: [
        refuseEmpty,
        rule({ kind: "destination-translated" }, { kind: "accept" }),
        rule(nowhere, { kind: "local-destination", negate: true }, refuse),
      ],
    },
    {
      name: REFUSE,
      rules: [
        // A reset ends a connect at once; an ICMP answer can get lost while the connecting socket is locked.
        rule({ kind: "protocol", protocol: "tcp" }, { kind: "reject", tcpReset: true }),
        rule({ kind: "reject" }),
      ],
    },
  ];
}

/** Other clusters and attached networks see the node, never a pod: their pods may have the same addresses. */
function wanSource(plan: ClusterNetworkPlan): Rule {
  const toNodes: Statement = { kind: "address", side: "destination", prefix: WAN_PREFIX };
  return rule(
    { kind: "interface", direction: "out", name: WAN_DEVICE },
    // What else leaves a flat cluster is for the pods of others.
    ...(plan.flat ? [toNodes] : []),
    { kind: "address", side: "source", prefix: plan.externalIp, negate: true },
    { kind: "source-nat", address: plan.externalIp },
  );
}

/** From other clusters only LoadBalancers and answers get through to pods; with a flat network everything. */
function wanGate(plan: ClusterNetworkPlan, refuse: Statement): Rule[] {
  if (plan.flat) return [];
  const fromWan: Statement = { kind: "interface", direction: "in", name: WAN_DEVICE };
  const accept: Statement = { kind: "accept" };
  return [
    rule(fromWan, { kind: "connection-state", states: ["established", "related"] }, accept),
    rule(fromWan, { kind: "destination-translated" }, accept),
    rule(fromWan, refuse),
  ];
}

function rule(...statements: Statement[]): Rule {
  return { statements };
}

/** Two Services can claim one external address and port; the first keeps it, as the kernel takes a key once only. */
function unique(elements: readonly MapElement[]): readonly MapElement[] {
  const seen = new Set<string>();
  return elements.filter(({ key }) => {
    const text = key.join("|");
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}
