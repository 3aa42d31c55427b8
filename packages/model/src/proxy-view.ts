import type { ConnectionPool, DataPlane, Destination, Mode, ServerTls, StringMap } from "@heddle/config";
import type { Authorization } from "./authorization.ts";
import type { DestinationPolicy } from "./destination-policy.ts";
import type { GatewayServer } from "./gateway-servers.ts";
import type { EndpointGroup } from "./locality-order.ts";
import type { ClientPlace } from "./locality-request.ts";
import type { WorkloadMetrics } from "./metrics.ts";
import type { ClientOrigin } from "./networks.ts";
import type { ResourcePatch } from "./resource-patches.ts";
import type { RoutingRule } from "./routing-rules.ts";
import type { MeshPort, MeshService } from "./service.ts";
import type { MeshSettings } from "./settings.ts";
import type { EgressListener } from "./sidecar-scope.ts";
import type { Tracing } from "./tracing.ts";
import type { Endpoint, Locality } from "./workload.ts";
import type { WrittenAt } from "./written-at.ts";

/** The proxy that asks, as its node id and metadata describe it. */
export interface ProxyNode {
  readonly kind: "sidecar" | "router";
  readonly ip: string;
  /** Pod name. */
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: StringMap;
  readonly workloadName: string;
  readonly clusterId: string;
  readonly network: string;
  readonly locality: Locality;
  readonly dataPlane: DataPlane;
  /** A gRPC library without a proxy (node metadata `GENERATOR=grpc`): it gets the subset that such libraries read. */
  readonly proxyless: boolean;
  /** Suffix of service names, e.g. `cluster.local`. */
  readonly domain: string;
  readonly interception: "REDIRECT" | "TPROXY" | "NONE";
  /** Its workload resolves names by the mesh's DNS (`ISTIO_META_DNS_CAPTURE`). */
  readonly dnsCapture: boolean;
  /** Its workload has an IPv6 address. */
  readonly ipv6: boolean;
  /** Version and flat metadata, for the conditions of EnvoyFilters. */
  readonly version: string;
  readonly metadata: StringMap;
}

/** A port on which this workload serves: a service port that leads to it. */
export interface InboundPort {
  /** Port on the workload. */
  readonly number: number;
  readonly servicePort: MeshPort;
  readonly service: MeshService;
  /** Where the application is, when a Sidecar says so: `127.0.0.1:port`, `0.0.0.0:port` (the pod's address), `unix:///path`. */
  readonly endpoint?: string;
  /** TLS that the sidecar ends for callers outside of the mesh. */
  readonly tls?: ServerTls;
  readonly pool?: ConnectionPool;
}

/** What all sidecars of one scope may call; shared between them. */
export interface OutboundView {
  /** Content hash over everything in here: equal hash, equal configuration. */
  readonly hash: string;
  readonly namespace: string;
  readonly domain: string;
  readonly dataPlane: DataPlane;
  readonly proxyless: boolean;
  readonly settings: MeshSettings;
  /** Spans of this direction; undefined: none. */
  readonly tracing: Tracing | undefined;
  /** Metrics of this direction. */
  readonly metrics: WorkloadMetrics;
  /** Where traffic to unknown places goes. */
  readonly outboundMode: "REGISTRY_ONLY" | "ALLOW_ANY";
  /** Who decided `outboundMode` and `egressProxy`. */
  readonly outboundModeAt: WrittenAt;
  /** Where such traffic goes instead of straight out. */
  readonly egressProxy: Destination | undefined;
  /** Ports that the sidecar opens itself. */
  readonly egress: readonly EgressListener[];
  /** Visible services, by hostname. */
  readonly services: readonly MeshService[];
  /** The clients resolve names by the mesh's DNS: they get a name table, and addresses that the mesh gave count as the service's own. */
  readonly dnsCapture: boolean;
  /** Rules of VirtualServices that apply here, the first for a host counts. */
  readonly rules: readonly RoutingRule[];
  /** What DestinationRules say, by hostname; services without any are left out. */
  readonly policies: Readonly<Record<string, DestinationPolicy>>;
  /** Addresses of headless services' endpoints, by hostname: their listeners need them. */
  readonly headless: Readonly<Record<string, readonly HeadlessEndpoint[]>>;
  /** EnvoyFilters for this proxy, in the order of their application. */
  readonly patches: readonly ResourcePatch[];
  /** Where the clients are, when some policy of theirs depends on it. */
  readonly place: ClientPlace | undefined;
  /** Which cluster and network the clients are in; undefined in a mesh of one. */
  readonly origin?: ClientOrigin;
  /** Who may call a gateway; none for sidecars, which have it in their inbound view. */
  readonly authorization: readonly Authorization[];
  /** For a gateway's proxies: what they listen on. Undefined for sidecars. */
  readonly gateway: readonly GatewayServer[] | undefined;
}

export interface HeadlessEndpoint {
  readonly address: string;
  readonly port: number;
  readonly portName: string;
  readonly hostname: string;
  /** A sidecar before it accepts mesh mTLS. */
  readonly meshed: boolean;
}

/** What inbound configuration may depend on: nothing that differs between replicas. */
export type InboundProxy = Pick<
  ProxyNode,
  "kind" | "namespace" | "serviceAccount" | "labels" | "dataPlane" | "proxyless" | "domain" | "interception"
>;

/** What one proxy accepts for its workload. */
export interface InboundView {
  readonly hash: string;
  readonly proxy: InboundProxy;
  readonly settings: MeshSettings;
  /** Spans of this direction; undefined: none. */
  readonly tracing: Tracing | undefined;
  /** Metrics of this direction. */
  readonly metrics: WorkloadMetrics;
  readonly ports: readonly InboundPort[];
  /** EnvoyFilters for this proxy, in the order of their application. */
  readonly patches: readonly ResourcePatch[];
  /** Who may call the workload. */
  readonly authorization: readonly Authorization[];
  /** Effective PeerAuthentication of the workload. */
  readonly mtls: EffectiveMtls;
}

export interface EffectiveMtls {
  readonly mode: Mode;
  /** Overrides by workload port. */
  readonly ports: Readonly<Record<number, Mode>>;
  /** The PeerAuthentication objects that decided, most specific first, as `namespace/name`. */
  readonly decidedBy: readonly string[];
  /** Where `mode` was written; undefined when nobody did. */
  readonly modeAt: WrittenAt | undefined;
  /** The same by workload port. */
  readonly portsAt: Readonly<Record<number, WrittenAt>>;
}

/** Everything one proxy may see (design.md D7). */
export interface ProxyView {
  readonly hash: string;
  readonly outbound: OutboundView;
  readonly inbound: InboundView;
}

/** The endpoints of one cluster; the fast path (design.md D8). */
export interface EndpointsView {
  readonly hash: string;
  /** The cluster's name, `outbound|80||web-svc.emojivoto.svc.cluster.local`. */
  readonly cluster: string;
  readonly endpoints: readonly Endpoint[];
  /** The same, ordered for clients of one place; undefined: all alike. */
  readonly groups: readonly EndpointGroup[] | undefined;
}
