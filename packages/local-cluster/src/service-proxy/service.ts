import type { KubeObject } from "../contract/index.ts";
import { fieldsOf, flag, listOf, numberOr, text, textOr, texts } from "../kubelet/spec/decode.ts";

export type ServiceProtocol = "tcp" | "udp" | "sctp";

/** A Service as the service proxy and DNS see it. */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  /** IPv4 cluster addresses; empty for headless and ExternalName. */
  readonly clusterIps: readonly string[];
  readonly headless: boolean;
  readonly externalName?: string;
  readonly externalIps: readonly string[];
  /** Addresses of the load balancer. */
  readonly balancerIps: readonly string[];
  /** One sender keeps its endpoint. */
  readonly clientAffinity: boolean;
  readonly ports: readonly ServicePort[];
}

export interface ServicePort {
  /** Empty for an only port without a name. */
  readonly name: string;
  readonly protocol: ServiceProtocol;
  readonly port: number;
  readonly nodePort?: number;
}

/** One EndpointSlice. */
export interface EndpointSlice {
  readonly namespace: string;
  readonly service: string;
  readonly ports: readonly { readonly name: string; readonly protocol: ServiceProtocol; readonly port: number }[];
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  readonly addresses: readonly string[];
  readonly ready: boolean;
  /** Still answers while it terminates. */
  readonly serving: boolean;
  readonly hostname?: string;
}

export function decodeService(object: KubeObject): Service {
  const spec = fieldsOf(object["spec"]);
  const type = textOr(spec["type"], "ClusterIP");
  const clusterIp = text(spec["clusterIP"]);
  const all = texts(spec["clusterIPs"]);
  const ingress = listOf(fieldsOf(fieldsOf(object["status"])["loadBalancer"])["ingress"]);
  const externalName = type === "ExternalName" ? text(spec["externalName"]) : undefined;
  return {
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    type,
    clusterIps: (all.length > 0 ? all : clusterIp === undefined ? [] : [clusterIp]).filter(isIpv4),
    headless: clusterIp === "None",
    ...(externalName === undefined ? {} : { externalName }),
    externalIps: texts(spec["externalIPs"]).filter(isIpv4),
    balancerIps: ingress.flatMap((entry) => text(fieldsOf(entry)["ip"]) ?? []).filter(isIpv4),
    clientAffinity: spec["sessionAffinity"] === "ClientIP",
    ports: listOf(spec["ports"]).map(decodePort),
  };
}

function decodePort(value: unknown): ServicePort {
  const port = fieldsOf(value);
  const nodePort = numberOr(port["nodePort"], 0);
  return {
    name: textOr(port["name"], ""),
    protocol: decodeProtocol(port["protocol"]),
    port: numberOr(port["port"], 0),
    ...(nodePort === 0 ? {} : { nodePort }),
  };
}

/** `undefined` for slices that belong to no Service or hold no IPv4 addresses. */
export function decodeEndpointSlice(object: KubeObject): EndpointSlice | undefined {
  const service = object.metadata.labels?.["kubernetes.io/service-name"];
  if (service === undefined || (object["addressType"] ?? "IPv4") !== "IPv4") return undefined;
  return {
    namespace: object.metadata.namespace ?? "",
    service,
    ports: listOf(object["ports"]).map((value) => {
      const port = fieldsOf(value);
      return {
        name: textOr(port["name"], ""),
        protocol: decodeProtocol(port["protocol"]),
        port: numberOr(port["port"], 0),
      };
    }),
    endpoints: listOf(object["endpoints"]).map(decodeEndpoint),
  };
}

function decodeEndpoint(value: unknown): Endpoint {
  const endpoint = fieldsOf(value);
  const conditions = fieldsOf(endpoint["conditions"]);
  const ready = flag(conditions["ready"]) ?? true;
  const hostname = text(endpoint["hostname"]);
  return {
    addresses: texts(endpoint["addresses"]).filter(isIpv4),
    ready,
    serving: flag(conditions["serving"]) ?? ready,
    ...(hostname === undefined ? {} : { hostname }),
  };
}

function decodeProtocol(value: unknown): ServiceProtocol {
  return value === "UDP" ? "udp" : value === "SCTP" ? "sctp" : "tcp";
}

function isIpv4(value: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(value);
}
