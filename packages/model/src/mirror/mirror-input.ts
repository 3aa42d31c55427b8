import type { EndpointSliceView, KubeObject, Link, PodView, StringMap } from "@heddle/config";

/** One linked cluster, as far as it is known. */
export interface LinkedCluster {
  readonly link: Link;
  /** False until its Services were listed once: then nothing that was mirrored before is taken away. */
  readonly known: boolean;
  readonly gatewayAlive: boolean;
  /** Addresses of its gateway, resolved; in any order. */
  readonly gatewayIps: readonly string[];
  readonly view: ClusterContent;
}

/** What a cluster holds. */
export interface ClusterContent {
  readonly services: readonly KubeObject[];
  readonly slices: readonly EndpointSliceView[];
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PodView>;
}

export interface MirrorInput {
  readonly links: readonly LinkedCluster[];
  readonly local: ClusterContent & { readonly namespaces: ReadonlySet<string> };
  /** Where Links, gateways and the mirror itself live. */
  readonly namespace: string;
  /** Headless Services whose pods have names get a mirror for each pod. Default of Linkerd: false. */
  readonly headless: boolean;
}

/** An object of this cluster as it should be. */
export interface MirrorObject {
  readonly apiVersion: string;
  readonly kind: "Service" | "Endpoints" | "EndpointSlice";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: StringMap;
    readonly annotations: StringMap;
  };
  readonly [field: string]: unknown;
}

/** Why a Service is or is not mirrored; for the status of its Link. */
export interface MirrorStatus {
  readonly link: string;
  readonly form: "mirror" | "federated";
  readonly namespace: string;
  readonly name: string;
  readonly mirrored: boolean;
  readonly reason: "Mirrored" | "MissingNamespace" | "InvalidService" | "NameConflict";
  readonly message: string;
}

export interface MirrorPlan {
  readonly objects: readonly MirrorObject[];
  readonly statuses: readonly MirrorStatus[];
}
