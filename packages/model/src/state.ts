import type {
  AuthorizationPolicy,
  DestinationRule,
  EndpointSliceView,
  EntryStatus,
  EnvoyFilter,
  Gateway,
  IngressView,
  MeshConfig,
  MeshNetworks,
  NamespaceView,
  NodeView,
  PeerAuthentication,
  PodView,
  Problem,
  ProxyConfigResource,
  ServiceEntry,
  ServiceProfile,
  ServiceView,
  Sidecar,
  Telemetry,
  VirtualService,
  WorkloadEntry,
  WorkloadGroup,
} from "@heddle/config";
import type { AddressAllocation } from "./allocate-addresses.ts";
import type { NetworkGateways } from "./networks.ts";
import type { MeshService } from "./service.ts";
import type { MeshSettings } from "./settings.ts";
import type { Endpoint, Workload } from "./workload.ts";

/** Objects as they were read, by `namespace/name` (cluster-scoped: `name`). */
export interface Objects {
  readonly services: ReadonlyMap<string, ServiceView>;
  readonly slices: ReadonlyMap<string, EndpointSliceView>;
  readonly pods: ReadonlyMap<string, PodView>;
  readonly namespaces: ReadonlyMap<string, NamespaceView>;
  readonly nodes: ReadonlyMap<string, NodeView>;
  readonly peerAuthentications: ReadonlyMap<string, PeerAuthentication>;
  readonly virtualServices: ReadonlyMap<string, VirtualService>;
  readonly destinationRules: ReadonlyMap<string, DestinationRule>;
  readonly serviceEntries: ReadonlyMap<string, ServiceEntry>;
  readonly entryStatuses: ReadonlyMap<string, EntryStatus>;
  readonly workloadEntries: ReadonlyMap<string, WorkloadEntry>;
  readonly workloadGroups: ReadonlyMap<string, WorkloadGroup>;
  /** WorkloadEntries that may get no traffic, by their own health condition. */
  readonly unhealthyEntries: ReadonlyMap<string, true>;
  readonly sidecars: ReadonlyMap<string, Sidecar>;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly envoyFilters: ReadonlyMap<string, EnvoyFilter>;
  readonly authorizationPolicies: ReadonlyMap<string, AuthorizationPolicy>;
  readonly telemetries: ReadonlyMap<string, Telemetry>;
  readonly proxyConfigs: ReadonlyMap<string, ProxyConfigResource>;
  readonly serviceProfiles: ReadonlyMap<string, ServiceProfile>;
  readonly ingresses: ReadonlyMap<string, IngressView>;
  /** Controllers by IngressClass. */
  readonly ingressClasses: ReadonlyMap<string, string>;
}

/** The endpoints of one service, for all of its ports. */
export interface ServiceEndpoints {
  /** Content hash: equal hash, equal endpoints. */
  readonly hash: string;
  /** By service port number. */
  readonly ports: ReadonlyMap<number, readonly Endpoint[]>;
}

/** The mesh at one moment. Immutable: a change gives a new one that shares what did not change. */
export interface MeshState {
  readonly settings: MeshSettings;
  readonly objects: Objects;
  /** Derived: services by hostname. */
  readonly services: ReadonlyMap<string, MeshService>;
  /** Derived: workloads by address. */
  readonly workloads: ReadonlyMap<string, Workload>;
  /** Derived: endpoints by hostname. */
  readonly endpoints: ReadonlyMap<string, ServiceEndpoints>;
  /** Derived: addresses of hosts that have none of their own. */
  readonly allocation: AddressAllocation;
  /** Derived from all clusters (merge-clusters.ts): the ways into networks. */
  readonly gateways: NetworkGateways;
  /** Registries of other clusters, by cluster. */
  readonly remotes: ReadonlyMap<string, MeshState>;
  /** There are several clusters or networks: which endpoints a client gets depends on where it is. */
  readonly multicluster: boolean;
  /** Problems of the custom resources at hand, by reference key; these resources have no effect. */
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
}

export interface MeshOptions {
  readonly mesh: MeshConfig;
  /** Default: one flat network. */
  readonly networks?: MeshNetworks;
  /** Default: `cluster.local`. */
  readonly domain?: string;
  /** Default: `Kubernetes`. */
  readonly clusterId?: string;
}

/** A mesh without objects. */
export function emptyMesh(options: MeshOptions): MeshState {
  return {
    settings: settingsOf(options),
    objects: {
      services: new Map(),
      slices: new Map(),
      pods: new Map(),
      namespaces: new Map(),
      nodes: new Map(),
      peerAuthentications: new Map(),
      virtualServices: new Map(),
      destinationRules: new Map(),
      serviceEntries: new Map(),
      entryStatuses: new Map(),
      workloadEntries: new Map(),
      workloadGroups: new Map(),
      unhealthyEntries: new Map(),
      sidecars: new Map(),
      gateways: new Map(),
      envoyFilters: new Map(),
      authorizationPolicies: new Map(),
      telemetries: new Map(),
      proxyConfigs: new Map(),
      serviceProfiles: new Map(),
      ingresses: new Map(),
      ingressClasses: new Map(),
    },
    services: new Map(),
    workloads: new Map(),
    endpoints: new Map(),
    allocation: { addresses: new Map(), conflicts: new Map() },
    gateways: new Map(),
    remotes: new Map(),
    multicluster: false,
    problems: new Map(),
  };
}

export function settingsOf(options: MeshOptions): MeshSettings {
  return {
    mesh: options.mesh,
    trustDomain: options.mesh.trustDomain,
    rootNamespace: options.mesh.rootNamespace,
    domain: options.domain ?? "cluster.local",
    clusterId: options.clusterId ?? "Kubernetes",
    networks: options.networks?.networks ?? {},
  };
}
