import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type MeshPort, type MeshService, type OutboundView, wireOf } from "@heddle/model";
import { type RouteConfiguration, RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import type { RouteSchema, VirtualHostSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { passthroughCluster } from "../cluster/fixed-clusters.ts";
import { outboundClusterName } from "../cluster/outbound-cluster.ts";
import { noTimeout } from "../proto-duration.ts";
import { provenance } from "../provenance.ts";
import { hostDomains } from "./host-domains.ts";
import { defaultRetryPolicy } from "./retry-policy.ts";

type VirtualHost = MessageInitShape<typeof VirtualHostSchema>;
type Route = MessageInitShape<typeof RouteSchema>;

/** Services with an HTTP port, by port number: they share the listener `0.0.0.0_<port>` and the route configuration `<port>`. */
export function httpPorts(view: OutboundView): ReadonlyMap<number, readonly ServicePort[]> {
  const ports = new Map<number, ServicePort[]>();
  for (const service of view.services) {
    for (const port of service.ports) {
      if (wireOf(port.protocol) !== "http") continue;
      const found = ports.get(port.number);
      if (found === undefined) ports.set(port.number, [{ service, port }]);
      else found.push({ service, port });
    }
  }
  return ports;
}

export interface ServicePort {
  readonly service: MeshService;
  readonly port: MeshPort;
}

/** The name of the route configuration of a port whose protocol is detected. */
export function detectedRouteName(service: MeshService, port: MeshPort): string {
  return `${service.hostname}:${port.number}`;
}

export function outboundRoutes(view: OutboundView): readonly RouteConfiguration[] {
  const shared = [...httpPorts(view)].map(([port, services]) => routeConfiguration(view, String(port), services));
  const detected = view.services.flatMap((service) =>
    service.ports
      .filter((port) => wireOf(port.protocol) === "detect" && !service.headless && service.addresses.length > 0)
      .map((port) => detectedRoutes(view, service, port)),
  );
  return [...shared, ...detected];
}

/** The listener stands at the service's own address, so whatever the request calls its host, it is for this service. */
function detectedRoutes(view: OutboundView, service: MeshService, port: MeshPort): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name: detectedRouteName(service, port),
    virtualHosts: [serviceHost(view, service, port, ["*"])],
    validateClusters: false,
    metadata: provenance([service.source]),
  });
}

function routeConfiguration(view: OutboundView, name: string, services: readonly ServicePort[]): RouteConfiguration {
  // Of two services that claim one domain the first keeps it; names are sorted, so the choice does not change by itself.
  const taken = new Set<string>();
  const virtualHosts: VirtualHost[] = [];
  for (const { service, port } of services) {
    const domains = hostDomains(service, view.namespace, view.domain).filter((domain) => !taken.has(domain));
    for (const domain of domains) taken.add(domain);
    if (domains.length > 0) virtualHosts.push(serviceHost(view, service, port, domains));
  }
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts: [...virtualHosts, unknownHost(view)],
    ignorePortInHostMatching: true,
    validateClusters: false,
    maxDirectResponseBodySizeBytes: 1_048_576,
    metadata: provenance(services.map(({ service }) => service.source)),
  });
}

function serviceHost(
  view: OutboundView,
  service: MeshService,
  port: MeshPort,
  domains: readonly string[],
): VirtualHost {
  const name = `${service.hostname}:${port.number}`;
  const route: Route = {
    name: "default",
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: outboundClusterName(service, port) },
        timeout: noTimeout,
        maxStreamDuration: { maxStreamDuration: noTimeout, grpcTimeoutHeaderMax: noTimeout },
        ...retries(view),
      },
    },
    decorator: { operation: `${name}/*` },
    metadata: provenance([service.source]),
  };
  return {
    name,
    domains: [...domains],
    routes: [route],
    includeRequestAttemptCount: true,
    metadata: provenance([service.source]),
  };
}

function retries(view: OutboundView) {
  const retryPolicy = defaultRetryPolicy(view.settings.mesh);
  return retryPolicy === undefined ? {} : { retryPolicy };
}

/** What happens to hosts that the mesh does not know, by `outboundTrafficPolicy`. */
function unknownHost(view: OutboundView): VirtualHost {
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  if (view.settings.mesh.outboundTrafficPolicy.mode === "REGISTRY_ONLY") {
    return {
      name: "block_all",
      domains: ["*"],
      routes: [{ name: "block_all", match, action: { case: "directResponse", value: { status: 502 } } }],
      includeRequestAttemptCount: true,
    };
  }
  return {
    name: "allow_any",
    domains: ["*"],
    routes: [
      {
        name: "allow_any",
        match,
        action: {
          case: "route",
          value: {
            clusterSpecifier: { case: "cluster", value: passthroughCluster },
            timeout: noTimeout,
            maxStreamDuration: { maxStreamDuration: noTimeout, grpcTimeoutHeaderMax: noTimeout },
          },
        },
      },
    ],
    includeRequestAttemptCount: true,
  };
}
