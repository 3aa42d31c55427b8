import type { Answer } from "dns-packet";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import type { Endpoint, EndpointSlice, Service, ServicePort } from "../service-proxy/index.ts";

/** What the zone reads; the service catalogue has this shape. */
export interface ZoneData {
  services(): Iterable<Service>;
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  hasNamespace(namespace: string): boolean;
}

/** What the cluster knows of a name. */
export type ZoneAnswer =
  /** The name exists; no answers means that it has no records of this type. */
  | { readonly kind: "known"; readonly answers: readonly Answer[]; readonly additional?: readonly Answer[] }
  /** An alias: its target is to be resolved further. */
  | { readonly kind: "alias"; readonly target: string }
  | { readonly kind: "missing" }
  /** Not a name of the cluster. */
  | { readonly kind: "foreign" };

/** Short, so that a client that caches sees changes soon. Units: s. Source: CoreDNS's default. */
export const TTL_SECONDS = 5;

const MISSING: ZoneAnswer = { kind: "missing" };
const NO_RECORDS: ZoneAnswer = { kind: "known", answers: [] };

/**
 * Looks a question up in the cluster's own names. Pure but for `data`.
 * Source: https://github.com/kubernetes/dns/blob/master/docs/specification.md (schema 1.1.0).
 */
export function lookUp(plan: ClusterNetworkPlan, data: ZoneData, askedName: string, type: string): ZoneAnswer {
  const name = askedName.toLowerCase().replace(/\.$/, "");
  if (name.endsWith(".in-addr.arpa")) return reverse(plan, data, askedName, name, type);
  const domain = plan.clusterDomain.toLowerCase();
  if (name === domain) return NO_RECORDS;
  if (!name.endsWith(`.${domain}`)) return { kind: "foreign" };
  const labels = name.slice(0, -domain.length - 1).split(".");
  const root = labels.pop();
  const namespace = labels.pop();
  if (root === "svc")
    return namespace === undefined ? NO_RECORDS : serviceName(plan, data, askedName, labels, namespace, type);
  if (root === "pod") return namespace === undefined ? NO_RECORDS : podName(data, askedName, labels, namespace, type);
  return MISSING;
}

function serviceName(
  plan: ClusterNetworkPlan,
  data: ZoneData,
  askedName: string,
  labels: readonly string[],
  namespace: string,
  type: string,
): ZoneAnswer {
  const name = labels.at(-1);
  if (name === undefined) return data.hasNamespace(namespace) ? NO_RECORDS : MISSING;
  const service = data.service(namespace, name);
  if (service === undefined) return MISSING;
  if (service.externalName !== undefined && labels.length === 1) return { kind: "alias", target: service.externalName };
  const slices = data.slices(namespace, name);
  const [first, second] = labels;
  if (labels.length === 1) {
    const ips = service.headless ? hostsOf(slices).map(({ ip }) => ip) : service.clusterIps;
    // A headless Service without endpoints has no name, as on a cluster.
    if (service.headless && ips.length === 0) return MISSING;
    return addresses(askedName, ips, type);
  }
  if (labels.length === 3 && first?.startsWith("_") && second?.startsWith("_")) {
    return portName(plan, service, slices, askedName, first.slice(1), second.slice(1), type);
  }
  if (labels.length === 2 && service.headless && first !== undefined) {
    const ips = hostsOf(slices)
      .filter(({ host }) => host === first)
      .map(({ ip }) => ip);
    return ips.length === 0 ? MISSING : addresses(askedName, ips, type);
  }
  return MISSING;
}

function portName(
  plan: ClusterNetworkPlan,
  service: Service,
  slices: readonly EndpointSlice[],
  askedName: string,
  portLabel: string,
  protocol: string,
  type: string,
): ZoneAnswer {
  const base = `${service.name}.${service.namespace}.svc.${plan.clusterDomain}`;
  const matches = (port: Pick<ServicePort, "name" | "protocol">) =>
    port.name === portLabel && port.protocol === protocol;
  const targets = service.headless
    ? slices.flatMap((slice) => {
        const port = slice.ports.find(matches);
        return port === undefined
          ? []
          : hostsOf([slice]).map(({ host, ip }) => ({ target: `${host}.${base}`, port: port.port, ip }));
      })
    : service.ports.filter(matches).flatMap(({ port }) => service.clusterIps.map((ip) => ({ target: base, port, ip })));
  if (targets.length === 0) return MISSING;
  if (type !== "SRV" && type !== "ANY") return NO_RECORDS;
  const weight = Math.max(1, Math.floor(100 / targets.length));
  return {
    kind: "known",
    answers: targets.map(({ target, port }) => ({
      type: "SRV",
      name: askedName,
      ttl: TTL_SECONDS,
      data: { target, port, weight, priority: 0 },
    })),
    additional: targets.map(({ target, ip }) => ({ type: "A", name: target, ttl: TTL_SECONDS, data: ip })),
  };
}

/** `10-40-0-5.<namespace>.pod`: the address is in the name. */
function podName(
  data: ZoneData,
  askedName: string,
  labels: readonly string[],
  namespace: string,
  type: string,
): ZoneAnswer {
  if (!data.hasNamespace(namespace)) return MISSING;
  const [label] = labels;
  if (label === undefined) return NO_RECORDS;
  const ip = label.replaceAll("-", ".");
  if (labels.length !== 1 || !isIpv4(ip)) return MISSING;
  return addresses(askedName, [ip], type);
}

function reverse(plan: ClusterNetworkPlan, data: ZoneData, askedName: string, name: string, type: string): ZoneAnswer {
  const ip = name.slice(0, -".in-addr.arpa".length).split(".").reverse().join(".");
  if (!isIpv4(ip) || !(inSixteen(plan.serviceCidr, ip) || inSixteen(plan.podCidr, ip))) return { kind: "foreign" };
  for (const service of data.services()) {
    const base = `${service.name}.${service.namespace}.svc.${plan.clusterDomain}`;
    const host = service.headless
      ? hostsOf(data.slices(service.namespace, service.name)).find((h) => h.ip === ip)
      : undefined;
    const target = host !== undefined ? `${host.host}.${base}` : service.clusterIps.includes(ip) ? base : undefined;
    if (target === undefined) continue;
    if (type !== "PTR" && type !== "ANY") return NO_RECORDS;
    return { kind: "known", answers: [{ type: "PTR", name: askedName, ttl: TTL_SECONDS, data: target }] };
  }
  return MISSING;
}

interface Host {
  readonly host: string;
  readonly ip: string;
}

/** Ready endpoints with their names: the Pod's hostname, else the address with dashes. */
function hostsOf(slices: readonly EndpointSlice[]): readonly Host[] {
  const found = new Map<string, Host>();
  const name = (endpoint: Endpoint, ip: string) => (endpoint.hostname ?? ip.replaceAll(".", "-")).toLowerCase();
  for (const { endpoints } of slices) {
    for (const endpoint of endpoints) {
      if (!endpoint.ready) continue;
      for (const ip of endpoint.addresses) found.set(ip, { host: name(endpoint, ip), ip });
    }
  }
  return [...found.values()];
}

function addresses(name: string, ips: readonly string[], type: string): ZoneAnswer {
  if (type !== "A" && type !== "ANY") return NO_RECORDS;
  return { kind: "known", answers: ips.map((data) => ({ type: "A", name, ttl: TTL_SECONDS, data })) };
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

/** Both ranges of a cluster are /16. */
function inSixteen(cidr: string, ip: string): boolean {
  const prefix = cidr.split(".").slice(0, 2).join(".");
  return ip.startsWith(`${prefix}.`);
}
