import { type Gateway, type GatewayServerSpec, labelsMatch, type ObjectRef, type StringMap } from "@heddle/config";
import { byAge, hostMatches } from "./namespace-scope.ts";
import { type RoutingRule, routingRules } from "./routing-rules.ts";
import type { MeshState } from "./state.ts";
import type { WrittenAt } from "./written-at.ts";

/** One server of a Gateway, as a proxy that the Gateway selects sees it. */
export interface GatewayServer {
  readonly gateway: ObjectRef;
  /** Of the Gateway, or of what that was made of. */
  readonly at: WrittenAt;
  readonly server: GatewayServerSpec;
  /** Hosts without their namespaces. */
  readonly hosts: readonly string[];
  /** The ports that the proxy opens: where the gateway's Services lead the server's port, else the port itself. */
  readonly ports: readonly number[];
  /** VirtualServices bound to the Gateway; their hosts are narrowed to what the server lets through. */
  readonly rules: readonly RoutingRule[];
}

export interface GatewayClient {
  readonly ip: string;
  readonly namespace: string;
  readonly labels: StringMap;
}

/** The servers of all Gateways that select a proxy, the oldest Gateway first: of two that want the same the first counts. */
export function gatewayServers(state: MeshState, client: GatewayClient): readonly GatewayServer[] {
  return [...state.objects.gateways.values()]
    .filter(({ spec }) => labelsMatch(spec.selector, client.labels))
    .sort(byAge)
    .flatMap((gateway) => serversOf(state, client, gateway));
}

function serversOf(state: MeshState, client: GatewayClient, gateway: Gateway): readonly GatewayServer[] {
  const { namespace, labels } = client;
  const rules = routingRules(state, { namespace, labels, gateways: [`${gateway.ref.namespace}/${gateway.ref.name}`] });
  return gateway.spec.servers.map((server, index) => {
    const hosts = server.hosts.map((host) => splitHost(host, gateway.ref.namespace));
    return {
      gateway: gateway.ref,
      at: gateway.writtenAt?.[index] ?? { source: gateway.ref, path: `spec.servers[${index}]` },
      server,
      hosts: [...new Set(hosts.map(({ name }) => name))],
      ports: listeningPorts(state, client, server.port.number),
      rules: rules.flatMap((rule) => narrowed(rule, hosts)),
    };
  });
}

interface ServerHost {
  /** Undefined: VirtualServices of every namespace. */
  readonly namespace: string | undefined;
  readonly name: string;
}

function splitHost(text: string, own: string): ServerHost {
  const slash = text.indexOf("/");
  const namespace = slash < 0 ? "*" : text.slice(0, slash);
  return {
    namespace: namespace === "*" ? undefined : namespace === "." ? own : namespace,
    name: text.slice(slash + 1),
  };
}

function narrowed(rule: RoutingRule, hosts: readonly ServerHost[]): readonly RoutingRule[] {
  const owner = rule.sources[0]?.namespace;
  const found = new Set<string>();
  for (const { namespace, name } of hosts) {
    if (namespace !== undefined && namespace !== owner) continue;
    for (const host of rule.hosts) {
      if (hostMatches(name, host)) found.add(host);
      else if (hostMatches(host, name)) found.add(name);
    }
  }
  return found.size === 0 ? [] : [{ ...rule, hosts: [...found] }];
}

/** A Service in front of the gateway may lead port 80 to another port, which the proxy may open without being root. */
function listeningPorts(state: MeshState, client: GatewayClient, number: number): readonly number[] {
  const workload = state.workloads.get(client.ip);
  const found = new Set<number>();
  for (const service of state.services.values()) {
    if (service.namespace !== client.namespace || Object.keys(service.selector).length === 0) continue;
    if (!labelsMatch(service.selector, client.labels)) continue;
    for (const { number: own, target } of service.ports) {
      const port = typeof target === "number" ? target : workload?.namedPorts[target];
      if (own === number && port !== undefined) found.add(port);
    }
  }
  return found.size > 0 ? [...found].sort((a, b) => a - b) : [number];
}
