import { create } from "@bufbuild/protobuf";
import { formatSni, hostMatches, type MeshService, type OutboundView, wireOf } from "@heddle/model";
import { type Cluster, Cluster_DiscoveryType, ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { tcpAddress } from "../address.ts";
import { protoDuration } from "../proto-duration.ts";
import { serviceMetadata } from "../provenance.ts";
import { namesBeyond } from "./global-name.ts";

/** One named pod of a headless service, as other clusters ask for it. */
export interface PodTarget {
  /** Server name, and name of the cluster. */
  readonly sni: string;
  readonly address: string;
  readonly port: number;
}

/** The pods that a gateway passes mesh mTLS on to by name: `pod.service.namespace…` below one of `hosts`. */
export function podTargets(view: OutboundView, service: MeshService, hosts: readonly string[]): readonly PodTarget[] {
  if (!service.headless || namesBeyond(service, view.settings).length === 0) return [];
  return service.ports
    .filter((port) => wireOf(port.protocol) !== "none")
    .flatMap((port) =>
      (view.headless[service.hostname] ?? [])
        .filter(({ portName, hostname }) => portName === port.name && hostname !== "")
        .map(({ hostname, address, port: target }) => ({
          hostname: `${hostname}.${service.hostname}`,
          address,
          target,
        }))
        .filter(({ hostname }) => hosts.some((host) => hostMatches(host, hostname)))
        .map(({ hostname, address, target }) => ({ sni: formatSni(port.number, "", hostname), address, port: target })),
    );
}

export function podClusters(view: OutboundView, service: MeshService, hosts: readonly string[]): readonly Cluster[] {
  return podTargets(view, service, hosts).map(({ sni, address, port }) =>
    create(ClusterSchema, {
      name: sni,
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
      connectTimeout: protoDuration(view.settings.mesh.connectTimeout),
      loadAssignment: {
        clusterName: sni,
        endpoints: [
          {
            lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: tcpAddress(address, port) } } }],
          },
        ],
      },
      metadata: serviceMetadata(service),
    }),
  );
}
