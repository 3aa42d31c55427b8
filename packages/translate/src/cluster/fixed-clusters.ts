import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { InboundPort, InboundView, OutboundView } from "@heddle/model";
import { formatClusterName } from "@heddle/model";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import type { AddressSchema } from "@heddle/xds-api/envoy/config/core/v3/address";
import { tcpAddress } from "../address.ts";
import { protoDuration } from "../proto-duration.ts";
import { serviceMetadata } from "../provenance.ts";
import { circuitBreakers, noLimits } from "./circuit-breakers.ts";
import { httpProtocolOptions } from "./http-protocol.ts";
import { statName } from "./stat-name.ts";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

export const passthroughCluster = "PassthroughCluster";
export const blackHoleCluster = "BlackHoleCluster";
export const inboundPassthroughCluster = "InboundPassthroughCluster";

/**
 * Connections to the application come from this address, which the interception rules let through unredirected:
 * otherwise a call from the sidecar to its own pod's address would loop. Source: Istio.
 */
const inboundSource = {
  sourceAddress: { address: "127.0.0.6", portSpecifier: { case: "portValue", value: 0 } },
} as const;

const originalDestination = {
  clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
  circuitBreakers: noLimits,
} as const;

/** Traffic to places that the mesh does not know goes where it was going, or nowhere. */
export function outboundFixedClusters(view: OutboundView): readonly Cluster[] {
  return [
    create(ClusterSchema, {
      ...originalDestination,
      name: passthroughCluster,
      connectTimeout: protoDuration(view.settings.mesh.connectTimeout),
      typedExtensionProtocolOptions: httpProtocolOptions("unset"),
    }),
    create(ClusterSchema, {
      name: blackHoleCluster,
      connectTimeout: protoDuration(view.settings.mesh.connectTimeout),
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    }),
  ];
}

export function inboundClusterName(port: number): string {
  return formatClusterName({ direction: "inbound", port, subset: "", hostname: "" });
}

/** One cluster per port of the workload, and one for ports that no service names. */
export function inboundClusters(view: InboundView): readonly Cluster[] {
  const connectTimeout = protoDuration(view.settings.mesh.connectTimeout);
  return [
    ...view.ports.map((port) => inboundCluster(port, connectTimeout, view.settings.mesh.inboundClusterStatName)),
    create(ClusterSchema, {
      ...originalDestination,
      name: inboundPassthroughCluster,
      connectTimeout,
      upstreamBindConfig: inboundSource,
      typedExtensionProtocolOptions: httpProtocolOptions("unset"),
    }),
  ];
}

function inboundCluster(
  port: InboundPort,
  connectTimeout: { seconds: bigint; nanos: number },
  pattern: string,
): Cluster {
  const pool = port.pool;
  return create(ClusterSchema, {
    ...originalDestination,
    name: inboundClusterName(port.number),
    altStatName: statName(pattern, port.service, port.servicePort, ""),
    connectTimeout,
    // Over the loopback there is no interception to get around.
    ...(port.endpoint === undefined || port.endpoint.startsWith("0") ? { upstreamBindConfig: inboundSource } : {}),
    ...(pool === undefined ? {} : { circuitBreakers: circuitBreakers({ connectionPool: pool }) }),
    ...applicationAt(port),
    typedExtensionProtocolOptions: httpProtocolOptions(port.servicePort.protocol, pool),
    metadata: serviceMetadata(port.service),
  } as ClusterInit);
}

/** Where a Sidecar's `defaultEndpoint` says the application is; without one, where the connection was going. */
function applicationAt({
  number,
  endpoint,
}: InboundPort): Pick<ClusterInit, "clusterDiscoveryType" | "lbPolicy" | "lbConfig" | "loadAssignment"> {
  if (endpoint === undefined) return {};
  const port = Number(endpoint.slice(endpoint.lastIndexOf(":") + 1));
  if (endpoint.startsWith("0.0.0.0:") || endpoint.startsWith("[::]:"))
    return port === number ? {} : { lbConfig: { case: "originalDstLbConfig", value: { upstreamPortOverride: port } } };
  const address: MessageInitShape<typeof AddressSchema> = endpoint.startsWith("unix://")
    ? { address: { case: "pipe", value: { path: endpoint.slice("unix://".length) } } }
    : tcpAddress(endpoint.startsWith("[::1]") ? "::1" : "127.0.0.1", port);
  return {
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
    loadAssignment: {
      clusterName: inboundClusterName(number),
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address } } }] }],
    },
  };
}
