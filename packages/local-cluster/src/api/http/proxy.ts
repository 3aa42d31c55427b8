import http from "node:http";
import https, { type RequestOptions } from "node:https";
import { badRequest, notFound, serviceUnavailable } from "../errors/api-errors.ts";
import { at, dict, int, list, text } from "../json/json-value.ts";
import type { ResourceTarget } from "../resources/resource-target.ts";
import type { Store } from "../store/store.ts";
import type { Exchange } from "./exchange.ts";

/** Where a `proxy` subresource leads. */
export interface ProxyPlace {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** `[https:]name[:port]`, as the proxy subresource names its target. */
function splitName(source: string): { scheme: string; name: string; port: string } {
  const parts = source.split(":");
  if (parts.length === 3) return { scheme: parts[0] ?? "", name: parts[1] ?? "", port: parts[2] ?? "" };
  return { scheme: "", name: parts[0] ?? "", port: parts[1] ?? "" };
}

/** Errors: 404, 400 for an unknown port, 503 without ready endpoint. */
export function findProxyPlace(store: Store, target: ResourceTarget, turn: number): ProxyPlace {
  const { scheme, name, port } = splitName(target.name);
  const secure = scheme === "https";
  if (target.def.storageKey === "/pods") return podPlace(store, target, name, port, secure);
  return servicePlace(store, target, splitName(target.name), turn);
}

function podPlace(store: Store, target: ResourceTarget, name: string, port: string, secure: boolean): ProxyPlace {
  const pod = store.collection("/pods").get(target.namespace, name);
  if (!pod) throw notFound(target.def, name);
  const host = text(at(pod, "status", "podIP"));
  if (host === "") throw badRequest("address not allowed: the pod has no address yet");
  const first = list(at(pod, "spec", "containers")).flatMap((container) => list(at(container, "ports")))[0];
  const number = port === "" ? int(at(first, "containerPort"), secure ? 443 : 80) : Number(port);
  return { host, port: number, secure };
}

/** The address of one ready endpoint of a service's port. */
export function findEndpoint(
  store: Store,
  namespace: string,
  name: string,
  portName: string,
  turn: number,
): { readonly host: string; readonly port: number } | undefined {
  const slices = store
    .collection("discovery.k8s.io/endpointslices")
    .list(namespace)
    .filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === name);
  const found: { host: string; port: number }[] = [];
  for (const slice of slices) {
    const port = list(slice["ports"])
      .map(dict)
      .find((item) => text(item["name"]) === portName);
    if (!port) continue;
    for (const endpoint of list(slice["endpoints"])) {
      if (at(endpoint, "conditions", "ready") === false) continue;
      for (const address of list(at(endpoint, "addresses")))
        found.push({ host: text(address), port: int(port["port"]) });
    }
  }
  return found.length === 0 ? undefined : found[turn % found.length];
}

function servicePlace(
  store: Store,
  target: ResourceTarget,
  { scheme, name, port }: { scheme: string; name: string; port: string },
  turn: number,
): ProxyPlace {
  const service = store.collection("/services").get(target.namespace, name);
  if (!service) throw notFound(target.def, name);
  const ports = list(at(service, "spec", "ports")).map(dict);
  const chosen = port === "" ? ports[0] : ports.find((item) => item["name"] === port || String(item["port"]) === port);
  if (!chosen) throw badRequest(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const place = findEndpoint(store, target.namespace, name, text(chosen["name"]), turn);
  if (!place) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return { ...place, secure: scheme === "https" };
}

const HOP_HEADERS = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "authorization", "host"]);

/** What goes along beside the request itself. */
export interface ForwardTerms {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: Pick<RequestOptions, "ca" | "cert" | "key" | "servername" | "rejectUnauthorized">;
}

/** Default: the proxy subresource never verifies the backend, as in Kubernetes. */
const PLAIN_TERMS: ForwardTerms = { headers: {}, tls: { rejectUnauthorized: false } };

/** Forwards a request to a pod or a service endpoint and its answer back. */
export function forward(
  exchange: Exchange,
  place: ProxyPlace,
  path: string,
  terms: ForwardTerms = PLAIN_TERMS,
): Promise<void> {
  const headers = Object.fromEntries(Object.entries(exchange.headers).filter(([name]) => !HOP_HEADERS.has(name)));
  const query = exchange.query.toString();
  const options = {
    host: place.host,
    port: place.port,
    method: exchange.method,
    path: `/${path}${query === "" ? "" : `?${query}`}`,
    headers: { ...headers, ...copied(terms.headers), host: `${place.host}:${place.port}` },
    signal: exchange.signal,
    ...(place.secure ? terms.tls : {}),
  };
  return new Promise((resolve, reject) => {
    const request = (place.secure ? https : http).request(options, (answer) => {
      exchange.response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(exchange.response);
      answer.on("end", resolve);
      answer.on("error", reject);
    });
    request.on("error", (error) =>
      reject(
        serviceUnavailable(`error trying to reach service: dial tcp ${place.host}:${place.port}: ${error.message}`),
      ),
    );
    exchange.request.pipe(request);
  });
}

function copied(headers: ForwardTerms["headers"]): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
  );
}
