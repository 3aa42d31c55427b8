import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  formatClusterName,
  formatSni,
  type HeadlessEndpoint,
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
import { protoDuration } from "../proto-duration.ts";
import { serviceMetadata } from "../provenance.ts";
import { plainText, upstreamMeshTls } from "../tls/mesh-tls.ts";
import { noLimits } from "./circuit-breakers.ts";
import { httpProtocolOptions } from "./http-protocol.ts";

export function outboundClusterName(service: MeshService, port: MeshPort, subset = ""): string {
  return formatClusterName({ direction: "outbound", port: port.number, subset, hostname: service.hostname });
}

/** One cluster per service port. UDP ports have none. */
export function outboundClusters(view: OutboundView): readonly Cluster[] {
  return view.services.flatMap((service) =>
    service.ports
      .filter((port) => wireOf(port.protocol) !== "none")
      .map((port) => outboundCluster(view, service, port)),
  );
}

function outboundCluster(view: OutboundView, service: MeshService, port: MeshPort): Cluster {
  const name = outboundClusterName(service, port);
  const shared = {
    name,
    connectTimeout: protoDuration(view.settings.mesh.connectTimeout),
    circuitBreakers: noLimits,
    typedExtensionProtocolOptions: httpProtocolOptions(port.protocol),
    metadata: serviceMetadata(service),
  };
  if (service.resolution === "dns") {
    return create(ClusterSchema, {
      ...shared,
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STRICT_DNS },
      lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
      dnsLookupFamily: Cluster_DnsLookupFamily.V4_ONLY,
      dnsRefreshRate: protoDuration(view.settings.mesh.dnsRefreshRate),
      respectDnsTtl: true,
      loadAssignment: dnsAssignment(name, service.externalName, port.number),
    });
  }
  const sni = formatSni(port.number, "", service.hostname);
  const mtls = () => upstreamMeshTls(service.identities, sni, view.settings);
  if (service.headless) {
    // The caller has chosen the endpoint by its address, so there is no endpoint metadata that could choose the transport.
    const secure = view.settings.mesh.enableAutoMtls && allMeshed(view.headless[service.hostname] ?? []);
    return create(ClusterSchema, {
      ...shared,
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
      ...(secure ? { transportSocket: mtls() } : {}),
    });
  }
  return create(ClusterSchema, {
    ...shared,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: fromAds, serviceName: name },
    lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
    // Auto mTLS: endpoints with a sidecar say so in their metadata.
    transportSocketMatches: view.settings.mesh.enableAutoMtls
      ? [
          { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: mtls() },
          { name: "tlsMode-disabled", match: {}, transportSocket: plainText() },
        ]
      : [],
  });
}

function dnsAssignment(
  clusterName: string,
  host: string,
  port: number,
): MessageInitShape<typeof ClusterLoadAssignmentSchema> {
  const endpoint = { address: tcpAddress(host, port) };
  return {
    clusterName,
    endpoints: [
      {
        loadBalancingWeight: 1,
        lbEndpoints: [{ loadBalancingWeight: 1, hostIdentifier: { case: "endpoint", value: endpoint } }],
      },
    ],
  };
}

function allMeshed(endpoints: readonly HeadlessEndpoint[]): boolean {
  return endpoints.length > 0 && endpoints.every((endpoint) => endpoint.meshed);
}
