import { create } from "@bufbuild/protobuf";
import type { InboundPort, InboundView, OutboundView } from "@heddle/model";
import { formatClusterName } from "@heddle/model";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { protoDuration } from "../proto-duration.ts";
import { serviceMetadata } from "../provenance.ts";
import { noLimits } from "./circuit-breakers.ts";
import { httpProtocolOptions } from "./http-protocol.ts";

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
    ...view.ports.map((port) => inboundCluster(port, connectTimeout)),
    create(ClusterSchema, {
      ...originalDestination,
      name: inboundPassthroughCluster,
      connectTimeout,
      upstreamBindConfig: inboundSource,
      typedExtensionProtocolOptions: httpProtocolOptions("unset"),
    }),
  ];
}

function inboundCluster(port: InboundPort, connectTimeout: { seconds: bigint; nanos: number }): Cluster {
  return create(ClusterSchema, {
    ...originalDestination,
    name: inboundClusterName(port.number),
    connectTimeout,
    upstreamBindConfig: inboundSource,
    typedExtensionProtocolOptions: httpProtocolOptions(port.servicePort.protocol),
    metadata: serviceMetadata(port.service),
  });
}
