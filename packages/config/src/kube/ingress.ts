import { isObject } from "../json.ts";
import {
  type KubeObject,
  type Meta,
  readBalancerAddresses,
  readMeta,
  readNumber,
  readObjects,
  readString,
} from "./object.ts";

/** Where an Ingress sends to; a port by its number or by its name in the Service. */
export interface IngressBackend {
  /** "" for a backend that is no Service. */
  readonly service: string;
  readonly port: number | string;
}

export interface IngressPath {
  readonly path: string;
  readonly type: "Exact" | "Prefix" | "ImplementationSpecific";
  readonly backend: IngressBackend;
}

/** A networking.k8s.io/v1 Ingress, read leniently: the API server has validated it already. */
export interface IngressView {
  readonly meta: Meta;
  /** Of its spec; undefined where it names none. */
  readonly className: string | undefined;
  readonly defaultBackend: IngressBackend | undefined;
  readonly tls: readonly { readonly hosts: readonly string[]; readonly secret: string }[];
  /** Host "" takes all. */
  readonly rules: readonly { readonly host: string; readonly paths: readonly IngressPath[] }[];
  /** Of its status: where clients reach it. */
  readonly addresses: readonly string[];
}

export function readIngress(object: KubeObject): IngressView {
  const spec = isObject(object["spec"]) ? object["spec"] : {};
  const className = spec["ingressClassName"];
  return {
    meta: readMeta(object.metadata),
    className: typeof className === "string" ? className : undefined,
    defaultBackend: readBackend(spec["defaultBackend"]),
    tls: readObjects(spec["tls"]).map((entry) => ({
      hosts: Array.isArray(entry["hosts"]) ? entry["hosts"].map(readString) : [],
      secret: readString(entry["secretName"]),
    })),
    rules: readObjects(spec["rules"]).map((rule) => ({
      host: readString(rule["host"]),
      paths: readObjects(isObject(rule["http"]) ? rule["http"]["paths"] : []).map(readPath),
    })),
    addresses: readBalancerAddresses(object["status"]),
  };
}

/** Controller of a networking.k8s.io/v1 IngressClass. */
export function readIngressClass(object: KubeObject): string {
  return readString(isObject(object["spec"]) ? object["spec"]["controller"] : undefined);
}

const TYPES = ["Exact", "Prefix", "ImplementationSpecific"] as const;

function readPath(entry: { readonly [key: string]: unknown }): IngressPath {
  const backend = readBackend(entry["backend"]) ?? { service: "", port: "" };
  const type = TYPES.find((known) => known === entry["pathType"]) ?? "ImplementationSpecific";
  return { path: readString(entry["path"]), type, backend };
}

function readBackend(value: unknown): IngressBackend | undefined {
  if (!isObject(value)) return undefined;
  const service = isObject(value["service"]) ? value["service"] : {};
  const port = isObject(service["port"]) ? service["port"] : {};
  return { service: readString(service["name"]), port: readNumber(port["number"]) ?? readString(port["name"]) };
}
