import { isObject } from "../json.ts";
import { type KubeObject, type Meta, readMeta, readNumber, readObjects, readString } from "./object.ts";

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly hostname: string;
  readonly nodeName: string;
  readonly zone: string;
  /** Name of the pod behind the endpoint, "" when it is not a pod. */
  readonly pod: string;
}

export interface SlicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
}

/** A discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSliceView {
  readonly meta: Meta;
  /** Name of the Service it belongs to (label `kubernetes.io/service-name`), "" when none. */
  readonly service: string;
  readonly addressType: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

export function readEndpointSlice(object: KubeObject): EndpointSliceView {
  const meta = readMeta(object.metadata);
  return {
    meta,
    service: meta.labels["kubernetes.io/service-name"] ?? "",
    addressType: readString(object["addressType"]) || "IPv4",
    ports: readObjects(object["ports"]).map((port) => ({
      name: readString(port["name"]),
      port: readNumber(port["port"]) ?? 0,
      protocol: readString(port["protocol"]) || "TCP",
    })),
    endpoints: readObjects(object["endpoints"]).map((endpoint) => {
      const conditions = isObject(endpoint["conditions"]) ? endpoint["conditions"] : {};
      const target = isObject(endpoint["targetRef"]) ? endpoint["targetRef"] : {};
      // An absent condition means true for ready and serving (API reference of EndpointConditions).
      const ready = conditions["ready"] !== false;
      return {
        addresses: Array.isArray(endpoint["addresses"]) ? endpoint["addresses"].map(readString) : [],
        ready,
        serving: conditions["serving"] === undefined ? ready : conditions["serving"] === true,
        terminating: conditions["terminating"] === true,
        hostname: readString(endpoint["hostname"]),
        nodeName: readString(endpoint["nodeName"]),
        zone: readString(endpoint["zone"]),
        pod: target["kind"] === "Pod" ? readString(target["name"]) : "",
      };
    }),
  };
}
