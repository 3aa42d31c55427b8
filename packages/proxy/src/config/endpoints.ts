import type { JsonObject } from "@bufbuild/protobuf";
import { ClusterLoadAssignment_PolicySchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import {
  type Endpoint,
  Endpoint_AdditionalAddressSchema,
} from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint_components";
import type { SocketAddress } from "../transport/address.ts";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
  EndpointSchema,
  HealthStatus,
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpoints,
  LocalityLbEndpointsSchema,
  type Metadata,
} from "./proto.ts";
import { type ForeignMetadata, foreignMetadata } from "./resource-source.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { type ConfigAddress, decodeAddress } from "./socket-address.ts";

/** Who serves at an endpoint, as the control plane says. */
export interface WorkloadLabels {
  readonly workload: string;
  readonly namespace: string;
  readonly canonicalName: string;
  readonly canonicalRevision: string;
  readonly cluster: string;
}

export interface EndpointConfig {
  readonly address: ConfigAddress;
  /** Further addresses of the same server, as those of its other IP family. */
  readonly others: readonly SocketAddress[];
  readonly hostname: string;
  readonly healthy: boolean;
  /** Works, but is only used when too few healthy ones are left. */
  readonly degraded: boolean;
  readonly draining: boolean;
  /** Where health checks go instead. */
  readonly checkPort: number | undefined;
  readonly checkHostname: string;
  readonly checkDisabled: boolean;
  readonly weight: number;
  /** `envoy.transport_socket_match` metadata. */
  readonly transportLabels: JsonObject | undefined;
  /** `envoy.lb` metadata, for subsets. */
  readonly lbLabels: JsonObject | undefined;
  readonly workload: WorkloadLabels | undefined;
  readonly metadata: ForeignMetadata;
}

export interface LocalityConfig {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly priority: number;
  readonly weight: number;
  readonly endpoints: readonly EndpointConfig[];
}

/** A decoded ClusterLoadAssignment. */
export interface LoadAssignmentConfig {
  readonly cluster: string;
  readonly localities: readonly LocalityConfig[];
  /** How much health a priority may lack before traffic flows over. Default: 140. Units: %. */
  readonly overprovisioning: number;
}

export const LOAD_POLICY_SHAPE = shape(
  ClusterLoadAssignment_PolicySchema,
  ["overprovisioning_factor"],
  {},
  {
    drop_overloads: "drops by the control plane are not implemented",
    endpoint_stale_after: "endpoints hold until the control plane replaces them",
    weighted_priority_health: "each endpoint counts once in the health of its priority",
  },
);
export const LOAD_ASSIGNMENT_SHAPE = shape(
  ClusterLoadAssignmentSchema,
  ["cluster_name", "endpoints", "policy"],
  {},
  { named_endpoints: "endpoints stand in place" },
  { inside: { policy: LOAD_POLICY_SHAPE } },
);
export const LOCALITY_SHAPE = shape(
  LocalityLbEndpointsSchema,
  ["locality", "lb_endpoints", "load_balancing_weight", "priority"],
  { metadata: "only describes the locality", proximity: "Envoy does not read it" },
  { "load_balancer_endpoints leds_cluster_locality_config": "endpoints stand in place, in lb_endpoints" },
);
export const LB_ENDPOINT_SHAPE = shape(
  LbEndpointSchema,
  ["endpoint", "health_status", "metadata", "load_balancing_weight"],
  {},
  { endpoint_name: "endpoints stand in place" },
);
export const ENDPOINT_SHAPE = shape(EndpointSchema, [
  "address",
  "hostname",
  "health_check_config",
  "additional_addresses",
]);
export const ENDPOINT_ADDRESS_SHAPE = shape(Endpoint_AdditionalAddressSchema, ["address"]);

export function decodeLoadAssignment(message: ClusterLoadAssignment, scope: DecodeScope): LoadAssignmentConfig {
  checkShape(LOAD_ASSIGNMENT_SHAPE, message, scope);
  return {
    cluster: message.clusterName,
    overprovisioning: message.policy?.overprovisioningFactor ?? 140,
    localities: message.endpoints.map((locality, i) => decodeLocality(locality, scope.field("endpoints").item(i))),
  };
}

function decodeLocality(message: LocalityLbEndpoints, scope: DecodeScope): LocalityConfig {
  checkShape(LOCALITY_SHAPE, message, scope);
  const endpoints: EndpointConfig[] = [];
  message.lbEndpoints.forEach((item, i) => {
    const endpoint = decodeEndpoint(item, scope.field("lb_endpoints").item(i));
    if (endpoint !== undefined) endpoints.push(endpoint);
  });
  return {
    region: message.locality?.region ?? "",
    zone: message.locality?.zone ?? "",
    subZone: message.locality?.subZone ?? "",
    priority: message.priority,
    weight: message.loadBalancingWeight ?? 0,
    endpoints,
  };
}

function decodeEndpoint(message: LbEndpoint, scope: DecodeScope): EndpointConfig | undefined {
  checkShape(LB_ENDPOINT_SHAPE, message, scope);
  if (message.hostIdentifier.case !== "endpoint") {
    scope.problem("an endpoint needs an address in place (endpoint)");
    return undefined;
  }
  const endpoint = message.hostIdentifier.value;
  checkShape(ENDPOINT_SHAPE, endpoint, scope.field("endpoint"));
  const address = decodeAddress(endpoint.address, scope.field("endpoint.address"));
  if (address === undefined) return undefined;
  const status = message.healthStatus;
  return {
    address,
    others: decodeOthers(endpoint, scope.field("endpoint.additional_addresses")),
    hostname: endpoint.hostname,
    healthy: status === HealthStatus.UNKNOWN || status === HealthStatus.HEALTHY || status === HealthStatus.DEGRADED,
    degraded: status === HealthStatus.DEGRADED,
    draining: status === HealthStatus.DRAINING,
    checkPort: endpoint.healthCheckConfig?.portValue || undefined,
    checkHostname: endpoint.healthCheckConfig?.hostname ?? "",
    checkDisabled: endpoint.healthCheckConfig?.disableActiveHealthCheck ?? false,
    weight: Math.max(1, message.loadBalancingWeight ?? 1),
    transportLabels: message.metadata?.filterMetadata["envoy.transport_socket_match"],
    lbLabels: message.metadata?.filterMetadata["envoy.lb"],
    workload: decodeWorkload(message.metadata),
    metadata: foreignMetadata(message.metadata),
  };
}

/** Errors: what is no IP address with a port. */
function decodeOthers({ additionalAddresses }: Endpoint, scope: DecodeScope): readonly SocketAddress[] {
  if (additionalAddresses.length === 0) return NO_OTHERS;
  return additionalAddresses.flatMap((message, i) => {
    const at = scope.item(i).field("address");
    checkShape(ENDPOINT_ADDRESS_SHAPE, message, scope.item(i));
    const address = decodeAddress(message.address, at);
    if (address?.kind === "tcp" && address.numeric) return [address.address];
    if (address !== undefined) at.problem("must be an IP address with a port");
    return [];
  });
}

const NO_OTHERS: readonly SocketAddress[] = [];

/** Reads `istio: {workload: "<workload>;<ns>;<canonical name>;<canonical revision>;<cluster>"}`. */
function decodeWorkload(metadata: Metadata | undefined): WorkloadLabels | undefined {
  const text = metadata?.filterMetadata["istio"]?.["workload"];
  if (typeof text !== "string") return undefined;
  const parts = text.split(";");
  return {
    workload: parts[0] ?? "",
    namespace: parts[1] ?? "",
    canonicalName: parts[2] ?? "",
    canonicalRevision: parts[3] ?? "",
    cluster: parts[4] ?? "",
  };
}
