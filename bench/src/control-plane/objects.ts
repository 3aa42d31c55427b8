import type { KubeObject } from "@heddle/kube-client";

/** How large a mesh is. */
export interface MeshSize {
  readonly services: number;
  readonly endpoints: number;
  readonly proxies: number;
}

/** Namespaces that services and proxies are spread over. */
export const NAMESPACES = 20;

export const namespaceOf = (index: number): string => `bench-${index % NAMESPACES}`;
export const serviceName = (index: number): string => `svc-${index}`;

/** Every tenth service has a VirtualService. */
export const ROUTED = 10;

/**
 * The mesh: Services without selector, one EndpointSlice each, and VirtualServices. Endpoints need no pods then, so that a real API server
 * holds four times the size, too; both control planes read the same.
 */
export function meshObjects(size: MeshSize, from = 0): readonly KubeObject[] {
  const objects: KubeObject[] = [];
  for (let i = from; i < size.services; i++) {
    objects.push(service(i), endpointSlice(i, size.endpoints, 0));
    if (i % ROUTED === 0) objects.push(virtualService(i, 0));
  }
  return objects;
}

export function namespaces(): readonly KubeObject[] {
  return ["istio-system", ...Array.from({ length: NAMESPACES }, (_, i) => namespaceOf(i))].map((name) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name },
  }));
}

function service(index: number): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: serviceName(index), namespace: namespaceOf(index), labels: { app: serviceName(index) } },
    spec: { ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }] },
  };
}

/** @param turn Each gives the first endpoint another address. */
export function endpointSlice(index: number, endpoints: number, turn: number): KubeObject {
  const address = (i: number): string =>
    i === 0 && turn > 0 ? flapAddress(turn) : `10.${100 + (index >> 8)}.${index & 255}.${i + 1}`;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${serviceName(index)}-1`,
      namespace: namespaceOf(index),
      labels: {
        "kubernetes.io/service-name": serviceName(index),
        "endpointslice.kubernetes.io/managed-by": "bench.heddle.io",
      },
    },
    addressType: "IPv4",
    endpoints: Array.from({ length: endpoints }, (_, i) => ({
      addresses: [address(i)],
      conditions: { ready: true, serving: true, terminating: false },
    })),
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  };
}

/** The address that tells a client which flap it sees. */
export const flapAddress = (turn: number): string => `10.99.${turn >> 8}.${turn & 255}`;

/** @param turn Each sends the marked prefix to another service. */
export function virtualService(index: number, turn: number): KubeObject {
  const destination = { host: serviceName(index), port: { number: 80 } };
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: serviceName(index), namespace: namespaceOf(index) },
    spec: {
      hosts: [serviceName(index)],
      http: [
        { match: [{ uri: { prefix: routePrefix(turn) } }], route: [{ destination }], timeout: "5s" },
        { route: [{ destination }] },
      ],
    },
  };
}

/** The prefix that tells a client which version of the VirtualService it sees. */
export const routePrefix = (turn: number): string => `/turn-${turn}-of-bench/`;
