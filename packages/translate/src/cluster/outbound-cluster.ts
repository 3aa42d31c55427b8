import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DestinationPolicy,
  encodeEndpointRequest,
  formatClusterName,
  formatSni,
  type HeadlessEndpoint,
  isHttp2,
  localityRequest,
  type MeshPort,
  type MeshService,
  type OutboundView,
  wireOf,
} from "@heddle/model";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import type { ClusterLoadAssignmentSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import { tcpAddress } from "../address.ts";
import { fromAds } from "../config-source.ts";
import { namesAmong } from "../gateway/global-name.ts";
import { podClusters } from "../gateway/pod-passthrough.ts";
import type { Part } from "../part.ts";
import { protoDuration } from "../proto-duration.ts";
import { serviceMetadata } from "../provenance.ts";
import { clientTls, withoutSecret } from "../tls/client-tls.ts";
import { plainText, upstreamMeshTls } from "../tls/mesh-tls.ts";
import { introducing } from "../tls/proxy-protocol.ts";
import { circuitBreakers } from "./circuit-breakers.ts";
import { type ClusterPolicy, effectivePolicy, policyFields } from "./effective-policy.ts";
import { httpProtocolOptions } from "./http-protocol.ts";
import { loadBalancer } from "./load-balancer.ts";
import { commonBalancing } from "./outlier-detection.ts";
import { statName } from "./stat-name.ts";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

export function outboundClusterName(service: MeshService, port: MeshPort, subset = ""): string {
  return formatClusterName({ direction: "outbound", port: port.number, subset, hostname: service.hostname });
}

/** Everything that the clusters of one service depend on. */
interface ClusterView extends Pick<OutboundView, "settings" | "place" | "origin"> {
  readonly rules: DestinationPolicy | undefined;
  readonly headless: readonly HeadlessEndpoint[] | undefined;
  readonly router: boolean;
}

function clusterView(view: OutboundView, service: MeshService): ClusterView {
  return {
    settings: view.settings,
    place: view.place,
    ...(view.origin === undefined ? {} : { origin: view.origin }),
    rules: view.policies[service.hostname],
    headless: view.headless[service.hostname],
    router: view.gateway !== undefined,
  };
}

/** One cluster per service port, and one more per subset. UDP ports have none. */
export function outboundClusters(view: OutboundView): readonly Cluster[] {
  return outboundClusterParts(view).flatMap((part) => part.make());
}

/** The same, service by service. */
export function outboundClusterParts(view: OutboundView): readonly Part<readonly Cluster[]>[] {
  const { mesh, ...rest } = view.settings;
  const shared = [mesh, ...Object.values(rest), view.place, view.origin, view.gateway !== undefined];
  return view.services.map((service) => {
    const own = clusterView(view, service);
    return {
      inputs: [service, own.rules, own.headless],
      shared,
      make: () => serviceClusters(own, service),
    };
  });
}

function serviceClusters(view: ClusterView, service: MeshService): readonly Cluster[] {
  return portsAndSubsets(service, view.rules).map(({ port, subset }) => outboundCluster(view, service, port, subset));
}

/** What a service has clusters for; subset "" is all of it. */
export function portsAndSubsets(
  service: MeshService,
  rules: DestinationPolicy | undefined,
): readonly { readonly port: MeshPort; readonly subset: string }[] {
  const subsets = ["", ...(rules?.subsets ?? []).map(({ name }) => name)];
  return service.ports
    .filter((port) => wireOf(port.protocol) !== "none")
    .flatMap((port) => subsets.map((subset) => ({ port, subset })));
}

/** Clusters for mesh mTLS that a gateway passes on unread (AUTO_PASSTHROUGH), named as the server name says. */
export function passthroughClusters(view: OutboundView): readonly Cluster[] {
  const patterns = (view.gateway ?? [])
    .filter(({ server }) => server.tls?.mode === "AUTO_PASSTHROUGH")
    .flatMap(({ hosts }) => hosts);
  if (patterns.length === 0) return [];
  const services = view.services
    .filter((service) => namesAmong(patterns, service, view.settings).length > 0)
    .flatMap((service) => {
      const own = ownNetwork(clusterView(view, service));
      return portsAndSubsets(service, own.rules).map(({ port, subset }) =>
        create(ClusterSchema, {
          ...outboundCluster(own, service, port, subset),
          name: formatSni(port.number, subset, service.hostname),
          transportSocket: undefined,
          transportSocketMatches: [],
          typedExtensionProtocolOptions: {},
        } as ClusterInit),
      );
    });
  return [...services, ...view.services.flatMap((service) => podClusters(view, service, patterns))];
}

/** What came from another network must not leave again. */
function ownNetwork(view: ClusterView): ClusterView {
  return view.origin === undefined ? view : { ...view, origin: { ...view.origin, own: true } };
}

function outboundCluster(view: ClusterView, service: MeshService, port: MeshPort, subset: string): Cluster {
  const { rules } = view;
  const policy = effectivePolicy(rules, port.number, subset);
  const pool = policy.connectionPool;
  const keepalive = pool?.tcp?.tcpKeepalive ?? view.settings.mesh.tcpKeepalive;
  return create(ClusterSchema, {
    name: outboundClusterName(service, port, subset),
    altStatName: statName(view.settings.mesh.outboundClusterStatName, service, port, subset),
    connectTimeout: protoDuration(pool?.tcp?.connectTimeout ?? view.settings.mesh.connectTimeout),
    circuitBreakers: circuitBreakers(policy),
    typedExtensionProtocolOptions: httpProtocolOptions(
      // A gateway does not pass on the version that its clients speak.
      view.router && port.protocol === "unset" ? "http" : port.protocol,
      pool,
      view.settings.mesh.h2UpgradePolicy,
      policy.tls,
    ),
    metadata: serviceMetadata(service, rules?.sources ?? [], policyFields(rules, port.number, subset)),
    ...discovery(view, service, port, subset, policy),
    ...introduced(transport(view, service, port, subset, policy), proxyProtocolOf(rules, subset)),
    ...commonBalancing(policy, view.settings.mesh),
    ...(keepalive === undefined ? {} : { upstreamConnectionOptions: { tcpKeepalive: keepaliveOf(keepalive) } }),
  } as ClusterInit);
}

function keepaliveOf(settings: { readonly probes?: number; readonly time?: number; readonly interval?: number }) {
  return {
    ...(settings.probes === undefined ? {} : { keepaliveProbes: settings.probes }),
    ...(settings.time === undefined ? {} : { keepaliveTime: Math.ceil(settings.time / 1000) }),
    ...(settings.interval === undefined ? {} : { keepaliveInterval: Math.ceil(settings.interval / 1000) }),
  };
}

/** Where the endpoints of a cluster come from: by its name, and by what the client's place makes of them. */
export function edsConfigOf(
  view: Pick<OutboundView, "settings" | "place" | "origin">,
  service: MeshService,
  policy: ClusterPolicy,
  name: string,
): NonNullable<ClusterInit["edsClusterConfig"]> {
  const order = localityRequest(policy, view.settings.mesh, view.place, service.preferClose);
  const place = encodeEndpointRequest({ order, from: view.origin });
  return { edsConfig: fromAds, serviceName: place === undefined ? name : `${name}|${place}` };
}

type Discovery = Pick<
  ClusterInit,
  | "clusterDiscoveryType"
  | "lbPolicy"
  | "lbConfig"
  | "edsClusterConfig"
  | "loadAssignment"
  | "dnsLookupFamily"
  | "dnsRefreshRate"
  | "respectDnsTtl"
>;

function discovery(
  view: ClusterView,
  service: MeshService,
  port: MeshPort,
  subset: string,
  policy: ClusterPolicy,
): Discovery {
  const name = outboundClusterName(service, port, subset);
  // The caller has chosen the endpoint by its address; those of a gateway have dialled the gateway's.
  if (
    (service.headless && !view.router) ||
    service.resolution === "passthrough" ||
    policy.loadBalancer?.simple === "PASSTHROUGH"
  ) {
    return {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    };
  }
  const balancer = loadBalancer(policy.loadBalancer);
  if (service.resolution === "endpoints") {
    return {
      ...balancer,
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: edsConfigOf(view, service, policy, name),
    };
  }
  const logical = service.resolution === "logical-dns";
  return {
    ...balancer,
    clusterDiscoveryType: {
      case: "type",
      value: logical ? Cluster_DiscoveryType.LOGICAL_DNS : Cluster_DiscoveryType.STRICT_DNS,
    },
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_ONLY,
    dnsRefreshRate: protoDuration(view.settings.mesh.dnsRefreshRate),
    respectDnsTtl: true,
    loadAssignment: dnsAssignment(name, logical ? service.dnsTargets.slice(0, 1) : service.dnsTargets, port),
  };
}

function dnsAssignment(
  clusterName: string,
  targets: MeshService["dnsTargets"],
  port: MeshPort,
): MessageInitShape<typeof ClusterLoadAssignmentSchema> {
  return {
    clusterName,
    endpoints: [
      {
        loadBalancingWeight: Math.max(1, targets.length),
        lbEndpoints: targets.map((target) => ({
          loadBalancingWeight: Math.max(1, target.weight),
          hostIdentifier: {
            case: "endpoint",
            value: { address: tcpAddress(target.address, target.ports[port.number] ?? port.number) },
          },
        })),
      },
    ],
  };
}

/** Plain text, TLS or mesh mTLS: a DestinationRule decides, else the endpoints' metadata do (auto mTLS). */
function transport(
  view: ClusterView,
  service: MeshService,
  port: MeshPort,
  subset: string,
  policy: ClusterPolicy,
): Pick<ClusterInit, "transportSocket" | "transportSocketMatches"> {
  const tls = policy.tls;
  const sni = formatSni(port.number, subset, service.remoteName ?? service.hostname);
  const mesh = (identities: readonly string[], name: string) => upstreamMeshTls(identities, name, view.settings);
  if (tls?.mode === "DISABLE") return {};
  if (tls?.mode === "ISTIO_MUTUAL") {
    return {
      transportSocket: mesh(tls.subjectAltNames.length > 0 ? tls.subjectAltNames : service.identities, tls.sni ?? sni),
    };
  }
  if (tls !== undefined) {
    const http = wireOf(port.protocol) === "http";
    const h2 = isHttp2(port.protocol) || policy.connectionPool?.http?.h2UpgradePolicy === "UPGRADE";
    const host = service.hostname.startsWith("*") ? "" : service.hostname;
    const secrets = view.router || view.rules?.namesWorkloads === true;
    return {
      transportSocket: clientTls(secrets ? tls : withoutSecret(tls), host, h2 ? ["h2"] : http ? ["http/1.1"] : []),
    };
  }
  if (
    !view.settings.mesh.enableAutoMtls ||
    service.external ||
    service.resolution === "dns" ||
    service.resolution === "logical-dns"
  )
    return {};
  if (service.headless && !view.router)
    return allMeshed(view.headless ?? []) ? { transportSocket: mesh(service.identities, sni) } : {};
  if (service.resolution === "passthrough") return {};
  return {
    transportSocketMatches: [
      { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: mesh(service.identities, sni) },
      { name: "tlsMode-disabled", match: {}, transportSocket: plainText() },
    ],
  };
}

type Transport = Pick<ClusterInit, "transportSocket" | "transportSocketMatches">;

/** Puts the PROXY protocol's introduction of the caller in front of whatever is spoken. */
function introduced(transport: Transport, version: "V1" | "V2" | undefined): Transport {
  if (version === undefined) return transport;
  const socket = transport.transportSocket;
  return {
    transportSocket: introducing(socket ?? plainText(), version),
    ...(transport.transportSocketMatches === undefined
      ? {}
      : {
          transportSocketMatches: transport.transportSocketMatches.map((match) => ({
            name: match.name ?? "",
            match: match.match ?? {},
            transportSocket: introducing(match.transportSocket ?? plainText(), version),
          })),
        }),
  };
}

function proxyProtocolOf(rules: DestinationPolicy | undefined, subset: string): "V1" | "V2" | undefined {
  const own = rules?.subsets.find((one) => one.name === subset)?.trafficPolicy?.proxyProtocol;
  return (own ?? rules?.trafficPolicy?.proxyProtocol)?.version;
}

function allMeshed(endpoints: readonly HeadlessEndpoint[]): boolean {
  return endpoints.length > 0 && endpoints.every((endpoint) => endpoint.meshed);
}
