import type { EndpointSliceView, PodView, ServicePortView, SliceEndpoint, StringMap } from "@heddle/config";
import { contentHash } from "../hash.ts";
import type { ClusterContent, MirrorObject } from "./mirror-input.ts";
import { TLS_MODE } from "./names.ts";

const MANAGER = "service-mirror.heddle.io";
/** Source: the API's limit on one EndpointSlice. */
const SLICE_SIZE = 1000;

interface Named {
  readonly namespace: string;
  /** The Service that the endpoints belong to. */
  readonly service: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
}

export interface GatewayTarget {
  readonly ips: readonly string[];
  readonly alive: boolean;
  /** Port by the port of the Service. */
  readonly port: (port: ServicePortView) => number;
}

/**
 * A gateway as the endpoints of a mirror: `Endpoints` as Linkerd writes them, and the slice that the mesh reads. While the gateway is not
 * alive its addresses stay, not ready.
 */
export function gatewayEndpoints(
  named: Named,
  ports: readonly ServicePortView[],
  target: GatewayTarget,
  meshed = true,
): readonly MirrorObject[] {
  const ips = [...new Set(target.ips)].sort();
  const addresses = ips.map((ip) => ({ ip }));
  const wire = ports.map((port) => ({ name: port.name, port: target.port(port), protocol: port.protocol }));
  return [
    endpointsObject(
      named,
      ips.length === 0 ? [] : [{ [target.alive ? "addresses" : "notReadyAddresses"]: addresses, ports: wire }],
    ),
    sliceObject(
      named,
      "gateway",
      meshed,
      wire,
      ips.map((ip) => ({
        addresses: [ip],
        conditions: { ready: target.alive, serving: target.alive, terminating: false },
      })),
    ),
  ];
}

/** The slices of one Service of a cluster. */
export function slicesOf(
  { slices }: ClusterContent,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): readonly EndpointSliceView[] {
  return slices.filter((slice) => slice.service === name && slice.meta.namespace === namespace);
}

/** Endpoints of a Service of a cluster whose pods can be reached, as slices of a Service here. */
export function directEndpoints(
  named: Named,
  mark: string,
  slices: readonly EndpointSliceView[],
  pods: ReadonlyMap<string, PodView>,
): readonly MirrorObject[] {
  const groups = new Map<string, { ports: object[]; meshed: boolean; endpoints: object[] }>();
  for (const from of slices) {
    if (from.addressType !== "IPv4") continue;
    const ports = from.ports.map(({ name, port, protocol }) => ({ name, port, protocol }));
    for (const endpoint of from.endpoints) {
      const pod = pods.get(`${from.meta.namespace}/${endpoint.pod}`);
      const meshed = pod?.meta.labels[TLS_MODE] === "istio" && !pod.hostNetwork;
      const key = contentHash([ports, meshed]);
      const group = groups.get(key) ?? { ports, meshed, endpoints: [] };
      group.endpoints.push(copied(endpoint));
      groups.set(key, group);
    }
  }
  return [...groups.values()].flatMap(({ ports, meshed, endpoints }) => {
    const sorted = endpoints.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    const chunks = Math.ceil(sorted.length / SLICE_SIZE);
    return Array.from({ length: chunks }, (_, i) => {
      const number = i === 0 ? "" : `-${i}`;
      const name = `${mark}-${nameOf([ports, meshed])}${number}`;
      return sliceObject(named, name, meshed, ports, sorted.slice(i * SLICE_SIZE, (i + 1) * SLICE_SIZE));
    });
  });
}

function copied(endpoint: SliceEndpoint): object {
  const { addresses, ready, serving, terminating, hostname, zone } = endpoint;
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname === "" ? {} : { hostname }),
    ...(zone === "" ? {} : { zone }),
  };
}

/** `Endpoints` beside the slices, for those who read only them. */
export function endpointsObject(
  { service: name, namespace, labels, annotations }: Named,
  subsets: readonly object[],
): MirrorObject {
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    // The slices are written here; Kubernetes would make others of the same.
    metadata: {
      name,
      namespace,
      labels: { ...labels, "endpointslice.kubernetes.io/skip-mirror": "true" },
      annotations,
    },
    subsets,
  };
}

export function sliceObject(
  named: Named,
  mark: string,
  meshed: boolean,
  ports: readonly object[],
  endpoints: readonly object[],
): MirrorObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${named.service}-${mark}`,
      namespace: named.namespace,
      labels: {
        ...named.labels,
        "kubernetes.io/service-name": named.service,
        "endpointslice.kubernetes.io/managed-by": MANAGER,
        ...(meshed ? { [TLS_MODE]: "istio" } : {}),
      },
      annotations: named.annotations,
    },
    addressType: "IPv4",
    ports,
    endpoints,
  };
}

/** A short text for object names, the same for equal content. */
function nameOf(content: unknown): string {
  return contentHash(content)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "0")
    .slice(0, 8);
}
