import { isObject, type StringMap } from "../json.ts";
import {
  type KubeObject,
  type Meta,
  readBalancerAddresses,
  readMeta,
  readNumber,
  readObjects,
  readString,
  readStringMap,
} from "./object.ts";

export interface ServicePortView {
  /** "" when the Service has one unnamed port. */
  readonly name: string;
  readonly port: number;
  readonly targetPort: number | string;
  readonly nodePort: number | undefined;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly appProtocol: string;
}

/** A Kubernetes Service, read leniently: the API server has validated it already. */
export interface ServiceView {
  readonly meta: Meta;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  /** Empty for headless and ExternalName services. */
  readonly clusterIps: readonly string[];
  readonly headless: boolean;
  readonly externalName: string;
  readonly externalIps: readonly string[];
  readonly loadBalancerAddresses: readonly string[];
  readonly selector: StringMap;
  readonly ports: readonly ServicePortView[];
  readonly publishNotReadyAddresses: boolean;
  readonly trafficDistribution: string;
}

const protocols = ["TCP", "UDP", "SCTP"] as const;
const types = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] as const;

export function readService(object: KubeObject): ServiceView {
  const spec = isObject(object["spec"]) ? object["spec"] : {};
  const clusterIp = readString(spec["clusterIP"]);
  const listed = Array.isArray(spec["clusterIPs"]) ? spec["clusterIPs"].map(readString) : [];
  const ips = (listed.length > 0 ? listed : [clusterIp]).filter((ip) => ip !== "" && ip !== "None");
  const type = types.find((known) => known === spec["type"]) ?? "ClusterIP";
  return {
    meta: readMeta(object.metadata),
    type,
    clusterIps: type === "ExternalName" ? [] : ips,
    headless: clusterIp === "None",
    externalName: readString(spec["externalName"]),
    externalIps: Array.isArray(spec["externalIPs"]) ? spec["externalIPs"].map(readString) : [],
    loadBalancerAddresses: readBalancerAddresses(object["status"]),
    selector: readStringMap(spec["selector"]),
    ports: readObjects(spec["ports"]).map((port) => readPort(port)),
    publishNotReadyAddresses: spec["publishNotReadyAddresses"] === true,
    trafficDistribution: readString(spec["trafficDistribution"]),
  };
}

function readPort(port: { readonly [key: string]: unknown }): ServicePortView {
  const number = readNumber(port["port"]) ?? 0;
  const target = port["targetPort"];
  return {
    name: readString(port["name"]),
    port: number,
    targetPort: typeof target === "number" || typeof target === "string" ? target : number,
    nodePort: readNumber(port["nodePort"]),
    protocol: protocols.find((known) => known === port["protocol"]) ?? "TCP",
    appProtocol: readString(port["appProtocol"]),
  };
}
