import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { byLocality, type Endpoint, type EndpointGroup, type EndpointsView, weightOf } from "@heddle/model";
import { HealthStatus } from "@heddle/xds-api/envoy/config/core/v3/health_check";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import type { LbEndpointSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint_components";
import { endpointAddress } from "../address.ts";

/** The endpoints of a cluster, grouped by locality, in the order that the view gives them. */
export function loadAssignment(view: EndpointsView): ClusterLoadAssignment {
  const groups: readonly EndpointGroup[] =
    view.groups ??
    byLocality(view.endpoints).map(([locality, endpoints]) => ({
      locality,
      endpoints,
      priority: 0,
      weight: undefined,
    }));
  return create(ClusterLoadAssignmentSchema, {
    clusterName: view.cluster,
    endpoints: groups.map(({ locality, endpoints, priority, weight }) => ({
      locality: { region: locality.region, zone: locality.zone, subZone: locality.subzone },
      priority,
      loadBalancingWeight: weight ?? endpoints.reduce((sum, endpoint) => sum + weightOf(endpoint), 0),
      lbEndpoints: endpoints.map(lbEndpoint),
    })),
  });
}

function lbEndpoint(endpoint: Endpoint): MessageInitShape<typeof LbEndpointSchema> {
  const { workload } = endpoint;
  return {
    loadBalancingWeight: weightOf(endpoint),
    healthStatus: endpoint.health === "draining" ? HealthStatus.DRAINING : HealthStatus.HEALTHY,
    hostIdentifier: { case: "endpoint", value: { address: endpointAddress(endpoint.address, endpoint.port) } },
    metadata: {
      filterMetadata: {
        ...(endpoint.meshed ? { "envoy.transport_socket_match": { tlsMode: "istio" } } : {}),
        ...(workload === undefined
          ? {}
          : {
              // Tells the client side who serves, for the standard metrics. Source: Istio's endpoint metadata.
              istio: {
                workload: `${workload.workloadName};${workload.namespace};${workload.canonicalName};${workload.canonicalRevision};${workload.clusterId}`,
              },
            }),
      },
    },
  };
}
