import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type MeshPort, type MeshService, type OutboundView, wireOf } from "@heddle/model";
import { type RouteConfiguration, RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import type { RouteSchema, VirtualHostSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { passthroughCluster } from "../cluster/fixed-clusters.ts";
import { outboundClusterName } from "../cluster/outbound-cluster.ts";
import { noTimeout } from "../proto-duration.ts";
import { provenance } from "../provenance.ts";
import { destinationCluster } from "./destination-cluster.ts";
import { hashPolicies } from "./hash-policy.ts";
import { hostDomains } from "./host-domains.ts";
import { httpRoutes } from "./http-route.ts";
import { retryPolicy } from "./retry-policy.ts";
import { createRuleIndex, type RuleIndex } from "./rule-index.ts";

type VirtualHost = MessageInitShape<typeof VirtualHostSchema>;
type Route = MessageInitShape<typeof RouteSchema>;

export interface ServicePort {
  readonly service: MeshService;
  readonly port: MeshPort;
}

/** True when a detected port has no address of its own, so that it shares the port's listener with everything else. */
export function isAddressless(service: MeshService): boolean {
  return !service.headless && service.addresses.length === 0;
}

/** Services with an HTTP port, by port number: they share the listener `0.0.0.0_<port>` and the route configuration `<port>`. */
export function httpPorts(view: OutboundView): ReadonlyMap<number, readonly ServicePort[]> {
  const ports = new Map<number, ServicePort[]>();
  for (const service of view.services) {
    for (const port of service.ports) {
      const wire = wireOf(port.protocol);
      if (wire !== "http" && !(wire === "detect" && isAddressless(service))) continue;
      const found = ports.get(port.number);
      if (found === undefined) ports.set(port.number, [{ service, port }]);
      else found.push({ service, port });
    }
  }
  return ports;
}

/** The name of the route configuration of a port whose protocol is detected. */
export function detectedRouteName(service: MeshService, port: MeshPort): string {
  return `${service.hostname}:${port.number}`;
}

export function outboundRoutes(view: OutboundView): readonly RouteConfiguration[] {
  const rules = createRuleIndex(view);
  const shared = [...httpPorts(view)].map(([port, services]) => portRoutes(view, rules, port, services));
  const detected = view.services.flatMap((service) =>
    service.ports
      .filter(
        (port) =>
          wireOf(port.protocol) === "detect" &&
          !service.headless &&
          service.addresses.length + service.autoAddresses.length > 0,
      )
      .map((port) => detectedRoutes(view, rules, service, port)),
  );
  return [...shared, ...detected];
}

/** The listener stands at the service's own address, so whatever the request calls its host, it is for this service. */
function detectedRoutes(
  view: OutboundView,
  rules: RuleIndex,
  service: MeshService,
  port: MeshPort,
): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name: detectedRouteName(service, port),
    virtualHosts: [serviceHost(view, rules, service, port, ["*"])],
    validateClusters: false,
    metadata: provenance([service.source]),
  });
}

function portRoutes(
  view: OutboundView,
  rules: RuleIndex,
  port: number,
  services: readonly ServicePort[],
): RouteConfiguration {
  // Of two hosts that claim one domain the first keeps it; services are sorted by name, so the choice does not change by itself.
  const taken = new Set<string>();
  const virtualHosts: VirtualHost[] = [];
  for (const { service, port: servicePort } of services) {
    const domains = hostDomains(service, view.namespace, view.domain).filter((domain) => !taken.has(domain));
    for (const domain of domains) taken.add(domain);
    if (domains.length > 0) virtualHosts.push(serviceHost(view, rules, service, servicePort, domains));
  }
  // A rule may route hosts that are in no registry; without a service's port they are expected on 80, as in Istio.
  for (const [host, rule] of port === 80 ? rules.otherHosts : []) {
    const routes = taken.has(host) ? [] : httpRoutes(view, rule, port);
    if (routes.length === 0) continue;
    taken.add(host);
    virtualHosts.push({
      name: `${host}:${port}`,
      domains: [host],
      routes,
      includeRequestAttemptCount: true,
      metadata: provenance(rule.sources),
    });
  }
  return create(RouteConfigurationSchema, {
    name: String(port),
    virtualHosts: taken.has("*") ? virtualHosts : [...virtualHosts, unknownHost(view)],
    ignorePortInHostMatching: true,
    validateClusters: false,
    maxDirectResponseBodySizeBytes: 1_048_576,
    metadata: provenance(services.map(({ service }) => service.source)),
  });
}

function serviceHost(
  view: OutboundView,
  rules: RuleIndex,
  service: MeshService,
  port: MeshPort,
  domains: readonly string[],
): VirtualHost {
  const rule = rules.ruleOf(service.hostname);
  const routed = rule !== undefined && rule.http.length > 0;
  return {
    name: `${service.hostname}:${port.number}`,
    domains: [...domains],
    // A rule has the last word: what it does not match is answered 404.
    routes: routed ? httpRoutes(view, rule, port.number) : [defaultRoute(view, service, port)],
    includeRequestAttemptCount: true,
    metadata: provenance(routed ? [service.source, ...rule.sources] : [service.source]),
  };
}

function defaultRoute(view: OutboundView, service: MeshService, port: MeshPort): Route {
  const retries = retryPolicy(view.settings.mesh, undefined);
  return {
    name: "default",
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: outboundClusterName(service, port) },
        timeout: noTimeout,
        maxStreamDuration: { maxStreamDuration: noTimeout, grpcTimeoutHeaderMax: noTimeout },
        hashPolicy: hashPolicies(view, service.hostname, port.number, undefined),
        ...(retries === undefined ? {} : { retryPolicy: retries }),
      },
    },
    decorator: { operation: `${service.hostname}:${port.number}/*` },
    metadata: provenance([service.source]),
  };
}

function egressCluster(view: OutboundView): string {
  const proxy = view.egressProxy;
  return proxy === undefined ? passthroughCluster : destinationCluster(view, proxy, proxy.port?.number ?? 80);
}

/** What happens to hosts that the mesh does not know, by `outboundTrafficPolicy`. */
function unknownHost(view: OutboundView): VirtualHost {
  const metadata = provenance([view.outboundModeAt.source], { outboundTrafficPolicy: view.outboundModeAt });
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  if (view.outboundMode === "REGISTRY_ONLY" && view.egressProxy === undefined) {
    const action = { case: "directResponse", value: { status: 502 } } as const;
    return {
      name: "block_all",
      domains: ["*"],
      routes: [{ name: "block_all", match, action }],
      includeRequestAttemptCount: true,
      metadata,
    };
  }
  const action = {
    case: "route",
    value: {
      clusterSpecifier: { case: "cluster", value: egressCluster(view) },
      timeout: noTimeout,
      maxStreamDuration: { maxStreamDuration: noTimeout, grpcTimeoutHeaderMax: noTimeout },
    },
  } as const;
  return {
    name: "allow_any",
    domains: ["*"],
    routes: [{ name: "allow_any", match, action }],
    includeRequestAttemptCount: true,
    metadata,
  };
}
