import { isIP } from "node:net";
import { refText } from "@heddle/config";
import type { MeshService, MeshState, ProxyNode } from "@heddle/model";
import type { Origin } from "./origin.ts";
import { hiddenFrom } from "./visibility.ts";

/** What a name stands for, from one namespace. */
export interface Destination {
  /** Undefined when only a name server outside can tell. */
  readonly ip: string | undefined;
  /** Why no name server can tell either: the caller then connects nowhere. Left out where one may. */
  readonly unresolved?: string;
  readonly because: string;
  readonly decidedBy: readonly Origin[];
  /** Pods behind it, for callers that have no proxy to choose one. */
  readonly backends: readonly { readonly ip: string; readonly port: number }[];
  /** Whose address `ip` is; left out when it is a pod's, or nobody's that the mesh knows. */
  readonly service?: {
    readonly object: string;
    readonly ports: readonly number[];
    /** The cluster's nodes pass it on to pods; else only sidecars know it. */
    readonly proxied: boolean;
  };
}

/**
 * Resolves a host as a pod of `namespace` does: search domains first, then the name as it is.
 * @param proxy Of the caller, which may not be told of what the name stands for.
 */
export function resolveName(
  state: MeshState,
  host: string,
  port: number,
  namespace: string,
  proxy?: ProxyNode,
): Destination {
  const found = resolved(state, host, port, namespace);
  const hidden = proxy === undefined || found.of === undefined ? undefined : hiddenFrom(state, proxy, found.of, port);
  const { of: _of, ...destination } = found;
  if (hidden === undefined) return destination;
  return {
    ...destination,
    because: `${destination.because}; ${hidden.because}`,
    decidedBy: [...destination.decidedBy, ...hidden.decidedBy],
  };
}

type Resolved = Destination & { readonly of?: MeshService };

function resolved(state: MeshState, host: string, port: number, namespace: string): Resolved {
  if (isIP(host) !== 0) {
    const owner = [...state.services.values()].find((service) => service.addresses.includes(host));
    return owner === undefined
      ? { ip: host, because: "an address is dialled", decidedBy: [], backends: [] }
      : destination(state, owner, port, `${host} is the address of ${owner.hostname}`);
  }
  if (host === "localhost")
    return { ip: "127.0.0.1", because: "every pod knows this name itself", decidedBy: [], backends: [] };
  const { domain } = state.settings;
  const names = [`${host}.${namespace}.svc.${domain}`, `${host}.svc.${domain}`, `${host}.${domain}`, host];
  const candidates = host.split(".").length > 4 ? [host] : names;
  for (const name of candidates) {
    const service = state.services.get(name);
    if (service !== undefined) return destination(state, service, port, `${host} is ${name} here`);
  }
  const headless = podName(state, host, namespace, port);
  if (headless !== undefined) return headless;
  const unknown = `no service of the mesh is called ${host} in namespace ${namespace}`;
  const [, second, ...more] = host.split(".");
  const named = more.length === 0 && second !== undefined && state.objects.namespaces.has(second);
  const inside = !host.includes(".") || named || /\.svc$/.test(host) || host.endsWith(`.${domain}`);
  return {
    ip: undefined,
    because: inside ? unknown : `${unknown}; a name server outside of the mesh has to know it`,
    decidedBy: [],
    backends: [],
    ...(inside
      ? {
          unresolved: `${host} does not resolve: ${unknown}; look for a typing error, or name its namespace (${host.split(".")[0]}.NAMESPACE)`,
        }
      : {}),
  };
}

function destination(state: MeshState, service: MeshService, port: number, because: string): Resolved {
  const origin: Origin = { object: refText(service.source) };
  const known = state.endpoints.get(service.hostname)?.ports;
  const found = known?.get(port) ?? [];
  const backends = found.map((endpoint) => ({ ip: endpoint.address, port: endpoint.port }));
  // A name without address of its own stands for its pods, whatever port is dialled.
  const pod = (): string | undefined => found[0]?.address ?? [...(known?.values() ?? [])].flat()[0]?.address;
  const first = service.headless ? pod() : service.addresses.find((address) => !address.includes("/"));
  const address = first ?? service.autoAddresses[0];
  const ports = service.ports.map((one) => one.number);
  const absent = ports.includes(port) ? "" : `; it has no port ${port}, only ${ports.join(", ")}`;
  const where = address === undefined ? "" : `, ${service.headless ? "one of its pods" : "at"} ${address}`;
  const asked =
    service.source.kind === "ServiceEntry" ? "; a name server, or DNS capture, has to tell the application so" : "";
  const nobody = service.headless && address === undefined;
  return {
    ip: address,
    ...(nobody
      ? {
          unresolved: `${service.hostname} does not resolve: ${refText(service.source)} is headless, its name stands for its pods, and none is ready: look at the pods behind it`,
        }
      : {}),
    because: `${because}${where}${absent}${asked}`,
    decidedBy: [origin],
    backends,
    of: service,
    ...ownAddress(service, address),
  };
}

/** Addresses that a ServiceEntry names are somebody's outside; those of Services and those that the mesh makes up are nobody's. */
function ownAddress(service: MeshService, address: string | undefined): Pick<Destination, "service"> {
  const proxied = service.source.kind === "Service";
  if (address === undefined || service.headless || !(proxied || service.autoAddresses.includes(address))) return {};
  return {
    service: { object: refText(service.source), ports: service.ports.map((one) => one.number), proxied },
  };
}

/** `web-0.web` and `web-0.web.shop.svc.cluster.local`: one pod of a headless service. */
function podName(state: MeshState, host: string, namespace: string, port: number): Destination | undefined {
  const [pod = "", ...rest] = host.split(".");
  const name = rest.join(".");
  const { domain } = state.settings;
  for (const full of [`${name}.${namespace}.svc.${domain}`, `${name}.svc.${domain}`, name]) {
    const service = state.services.get(full);
    if (service === undefined || !service.headless) continue;
    const endpoint = state.endpoints
      .get(full)
      ?.ports.get(port)
      ?.find(({ hostname }) => hostname === pod);
    if (endpoint === undefined) continue;
    return {
      ip: endpoint.address,
      because: `${host} is the pod ${pod} of headless service ${full}, at ${endpoint.address}`,
      decidedBy: [{ object: refText(service.source) }],
      backends: [{ ip: endpoint.address, port: endpoint.port }],
    };
  }
  return undefined;
}
