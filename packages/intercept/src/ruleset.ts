import {
  type Chain,
  type Family,
  PRIORITY,
  parsePrefix,
  type Rule,
  type Ruleset,
  type Statement,
  type Table,
} from "@heddle/netlink";
import type { InterceptOptions, PortRange, ProxyIdentity } from "./options.ts";

/** Chain names as Istio's, which operators look for. */
const IN = "ISTIO_INBOUND";
const OUT = "ISTIO_OUTPUT";
const TO_OUTBOUND = "ISTIO_REDIRECT";
const TO_INBOUND = "ISTIO_IN_REDIRECT";
const DNS = "ISTIO_OUTPUT_DNS";

/** Addresses whose meaning differs by family: loopback, and the source the proxy binds to when it calls the application. */
const LOCAL = {
  ip: { loopback: "127.0.0.1/32", passthrough: "127.0.0.6/32" },
  ip6: { loopback: "::1/128", passthrough: "::6/128" },
} as const;

/** Of the control plane: plain and TLS, for configuration and certificates. */
const CONTROL_PLANE_PORTS = [15010, 15012];

type PodFamily = Exclude<Family, "inet">;

/** The rules for a pod: Istio's semantics, rule for rule. Pure. */
export function interceptRuleset(options: InterceptOptions, families: readonly PodFamily[]): Ruleset {
  if (options.mode === "NONE") return { tables: [] };
  return { tables: families.map((family) => natTable(options, family)) };
}

function natTable(options: InterceptOptions, family: PodFamily): Table {
  const dns = dnsServers(options, family);
  const chains: Chain[] = [
    {
      name: "PREROUTING",
      hook: { type: "nat", name: "prerouting", priority: PRIORITY.dstnat },
      rules: prerouting(options, family),
    },
    { name: "OUTPUT", hook: { type: "nat", name: "output", priority: PRIORITY.dstnat }, rules: output(options, dns) },
    { name: IN, rules: inbound(options) },
    { name: OUT, rules: outbound(options, family) },
    { name: TO_OUTBOUND, rules: [rule(TCP, { kind: "redirect", port: options.outboundPort })] },
    { name: TO_INBOUND, rules: [rule(TCP, { kind: "redirect", port: options.inboundPort })] },
    ...(dns.length > 0 ? [{ name: DNS, rules: datagramQuestions(options, dns) }] : []),
  ];
  return { family, name: "nat", shared: true, chains };
}

function prerouting(options: InterceptOptions, family: PodFamily): Rule[] {
  const rules: Rule[] = [];
  for (const name of options.virtualInterfaces) {
    const from: Statement = { kind: "interface", direction: "in", name };
    if (options.outboundRanges === "*") rules.push(rule(from, jump(TO_OUTBOUND)));
    else
      for (const prefix of ofFamily(options.outboundRanges, family))
        rules.push(rule(from, to(prefix), jump(TO_OUTBOUND)));
    rules.push(rule(from, RETURN));
  }
  for (const name of options.interfacesExclude) rules.push(rule({ kind: "interface", direction: "in", name }, RETURN));
  if (options.inboundPorts === "*" || options.inboundPorts.length > 0) rules.push(rule(TCP, jump(IN)));
  return rules;
}

function output(options: InterceptOptions, dns: readonly DnsServer[]): Rule[] {
  const excluded = options.interfacesExclude.map((name) => rule({ kind: "interface", direction: "out", name }, RETURN));
  return [...excluded, rule(jump(OUT)), ...(dns.length > 0 ? [rule(UDP, DNS_PORT, jump(DNS))] : [])];
}

/** Conditions for one server, none where any server counts. */
type DnsServer = readonly Statement[];

function dnsServers({ dns }: InterceptOptions, family: PodFamily): readonly DnsServer[] {
  if (dns === "none") return [];
  if (dns === "all") return [[]];
  return ofFamily(dns, family).map((ip) => [to(`${ip}/${family === "ip" ? 32 : 128}`)]);
}

/** The proxy's own questions go out, everybody else's to the proxy. */
function datagramQuestions(options: InterceptOptions, servers: readonly DnsServer[]): Rule[] {
  const own = proxyMatches(options.proxy).map((proxy) => rule(UDP, DNS_PORT, proxy, RETURN));
  const users = options.usersExclude.map((range) => rule(owner("user", range.first, range.last), RETURN));
  const groups = options.groupsExclude.map((range) => rule(owner("group", range.first, range.last), RETURN));
  const excluded = options.outboundPortsExclude.some(({ first, last }) => first <= 53 && 53 <= last);
  return [...own, ...users, ...groups, ...(excluded ? [rule(UDP, RETURN)] : toDnsProxy(UDP, options, servers))];
}

function toDnsProxy(protocol: Statement, options: InterceptOptions, servers: readonly DnsServer[]): Rule[] {
  return servers.map((server) => rule(protocol, DNS_PORT, ...server, { kind: "redirect", port: options.dnsPort }));
}

function inbound(options: InterceptOptions): Rule[] {
  const tunnel = rule(TCP, toPort(options.tunnelPort), RETURN);
  if (options.inboundPorts !== "*") {
    return [tunnel, ...options.inboundPorts.map((ports) => rule(TCP, toPorts(ports), jump(TO_INBOUND)))];
  }
  const excluded = options.inboundPortsExclude.map((ports) => rule(TCP, toPorts(ports), RETURN));
  return [tunnel, ...excluded, rule(TCP, jump(TO_INBOUND))];
}

function outbound(options: InterceptOptions, family: PodFamily): Rule[] {
  const { loopback, passthrough } = LOCAL[family];
  const ranges = options.outboundRanges === "*" ? [] : options.outboundRanges;
  const capturesLoopback = ranges.some((prefix) => prefix.startsWith("127.") || prefix.startsWith("::1"));
  const dns = dnsServers(options, family);
  const rules: Rule[] = [];
  for (const ports of options.outboundPortsExclude) {
    rules.push(rule(TCP, toPorts(ports), RETURN), rule(UDP, toPorts(ports), RETURN));
  }
  if (options.proxy.kind === "mark") {
    // The proxy's calls to its control plane are a library's, which sets no mark.
    for (const port of CONTROL_PLANE_PORTS) rules.push(rule(TCP, toPort(port), RETURN));
  }
  rules.push(rule(VIA_LOOPBACK, { kind: "address", side: "source", prefix: passthrough }, RETURN));
  for (const proxy of proxyMatches(options.proxy)) {
    // The application calls itself by its service: proxy (client) → proxy (server) → application.
    const toSelf: Statement = { kind: "address", side: "destination", prefix: loopback, negate: true };
    const notTunnel: Statement = { kind: "port", side: "destination", port: options.tunnelPort, negate: true };
    rules.push(rule(VIA_LOOPBACK, toSelf, TCP, notTunnel, proxy, jump(TO_INBOUND)));
    // The application calls itself by its own address: left alone.
    // Not so for DNS: its server may be a stub on loopback.
    const notDns: readonly Statement[] = dns.length > 0 ? [TCP, { ...DNS_PORT, negate: true }] : [];
    if (!capturesLoopback) rules.push(rule(VIA_LOOPBACK, ...notDns, { ...proxy, negate: true }, RETURN));
    // What the proxy sends out must not come back to it.
    rules.push(rule(proxy, RETURN));
  }
  for (const range of options.usersExclude) rules.push(rule(owner("user", range.first, range.last), RETURN));
  for (const range of options.groupsExclude) rules.push(rule(owner("group", range.first, range.last), RETURN));
  rules.push(...toDnsProxy(TCP, options, dns));
  rules.push(rule(to(loopback), RETURN));
  for (const prefix of ofFamily(options.outboundRangesExclude, family)) rules.push(rule(to(prefix), RETURN));
  for (const ports of options.outboundPortsInclude) rules.push(rule(TCP, toPorts(ports), jump(TO_OUTBOUND)));
  if (options.outboundRanges === "*") rules.push(rule(jump(TO_OUTBOUND)));
  else for (const prefix of ofFamily(ranges, family)) rules.push(rule(to(prefix), jump(TO_OUTBOUND)));
  return rules;
}

type OwnTraffic = Extract<Statement, { kind: "owner" | "mark" }>;

function proxyMatches(proxy: ProxyIdentity): readonly OwnTraffic[] {
  if (proxy.kind === "mark") return [{ kind: "mark", value: proxy.mark }];
  return [...proxy.users.map((id) => owner("user", id)), ...proxy.groups.map((id) => owner("group", id))];
}

const TCP: Statement = { kind: "protocol", protocol: "tcp" };
const UDP: Statement = { kind: "protocol", protocol: "udp" };
const RETURN: Statement = { kind: "return" };
const DNS_PORT = { kind: "port", side: "destination", port: 53 } as const;
const VIA_LOOPBACK: Statement = { kind: "interface", direction: "out", name: "lo" };

function owner(of: "user" | "group", id: number, lastId?: number): Extract<Statement, { kind: "owner" }> {
  return { kind: "owner", of, id, ...(lastId === undefined || lastId === id ? {} : { lastId }) };
}

function jump(chain: string): Statement {
  return { kind: "jump", chain };
}

function to(prefix: string): Statement {
  return { kind: "address", side: "destination", prefix };
}

function toPort(port: number): Statement {
  return { kind: "port", side: "destination", port };
}

function toPorts({ first, last }: PortRange): Statement {
  return first === last ? toPort(first) : { kind: "port-range", side: "destination", port: first, lastPort: last };
}

function ofFamily(prefixes: readonly string[], family: PodFamily): readonly string[] {
  return prefixes.filter((prefix) => parsePrefix(prefix)?.family === (family === "ip" ? 4 : 6));
}

/** Every rule counts, before its verdict, as iptables rules do. */
function rule(...statements: readonly Statement[]): Rule {
  return { statements: [...statements.slice(0, -1), { kind: "counter" }, ...statements.slice(-1)] };
}
