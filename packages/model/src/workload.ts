import type { ObjectRef, StringMap } from "@heddle/config";

/** Where an endpoint runs; "" members are unknown. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}

/** A running program with an address: a pod, or later a WorkloadEntry. */
export interface Workload {
  readonly ip: string;
  /** Pod name. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: StringMap;
  readonly serviceAccount: string;
  /** `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`; empty where nobody knows it. */
  readonly spiffeId: string;
  /** Name of the Deployment, StatefulSet, … at the top of the owner chain. */
  readonly workloadName: string;
  readonly workloadKind: string;
  readonly canonicalName: string;
  readonly canonicalRevision: string;
  /** `istio` when a sidecar accepts mesh mTLS. */
  readonly tlsMode: "istio" | "disabled";
  readonly locality: Locality;
  readonly clusterId: string;
  readonly network: string;
  /** Named container ports, to resolve named target ports. */
  readonly namedPorts: Readonly<Record<string, number>>;
  readonly nodeName: string;
  /** Share of the load among the endpoints of a service. Default: 1. */
  readonly weight: number;
  readonly source: ObjectRef;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** `healthy`, or `draining` while the pod terminates. Endpoints that are not ready are left out unless the service publishes them. */
  readonly health: "healthy" | "draining";
  readonly hostname: string;
  readonly locality: Locality;
  readonly labels: StringMap;
  /** A sidecar accepts mesh mTLS on this port: there is one, and no PeerAuthentication switches it off. */
  readonly meshed: boolean;
  /** Undefined when the address belongs to nothing that the mesh knows. */
  readonly workload: Workload | undefined;
  /** Where it is, when no workload tells. */
  readonly registry?: { readonly network: string; readonly clusterId: string };
  /** Share of the load. Default: the workload's. */
  readonly weight?: number;
}
