import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectRef } from "@heddle/config";
import { type MeshPort, type MeshService, type OutboundView, wireOf } from "@heddle/model";
import { type RouteConfiguration, RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { type RouteSchema, VirtualHostSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { passthroughCluster } from "../cluster/fixed-clusters.ts";
import { outboundClusterName } from "../cluster/outbound-cluster.ts";
import type { Part } from "../part.ts";
import { noTimeout } from "../proto-duration.ts";
import { provenance } from "../provenance.ts";
import { destinationCluster } from "./destination-cluster.ts";
import { hashPolicies } from "./hash-policy.ts";
import { hostDomains } from "./host-domains.ts";
import { httpRoutes, type RouteView } from "./http-route.ts";
import { ownProtocols } from "./own-protocols.ts";
import { retryPolicy } from "./retry-policy.ts";
import { createRuleIndex, type RuleIndex } from "./rule-index.ts";
import { ruleInputs, ruleView } from "./rule-view.ts";

/** A virtual host; without `inputs` it may depend on the whole view. */
type HostPart = Pick<Part<VirtualHost>, "make"> & Partial<Part<VirtualHost>>;

/** The routes of one port: everything but the virtual hosts, and these one by one. */
export interface PortRoutes {
  readonly name: string;
  readonly frame: Part<RouteConfiguration>;
  readonly hosts: readonly HostPart[];
}

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
  const shared = sharedRoutes(view).map(({ frame, hosts }) => {
    const whole = frame.make();
    whole.virtualHosts = hosts.map((host) => create(VirtualHostSchema, host.make()));
    return whole;
  });
  return [...shared, ...detectedRouteConfigurations(view)];
}

/** The route configurations that all services of a port share: the largest resources of a mesh. */
export function sharedRoutes(view: OutboundView): readonly PortRoutes[] {
  const rules = createRuleIndex(view);
  return [...httpPorts(view)].map(([port, services]) => portRoutes(view, rules, port, services));
}

export function detectedRouteConfigurations(view: OutboundView): readonly RouteConfiguration[] {
  const rules = createRuleIndex(view);
  return view.services.flatMap((service) =>
    service.ports
      .filter(
        (port) =>
          wireOf(port.protocol) === "detect" &&
          !service.headless &&
          service.addresses.length + service.autoAddresses.length > 0,
      )
      .map((port) => detectedRoutes(view, rules, service, port)),
  );
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
    virtualHosts: [serviceHost(view, rules, service, port, ["*"]).make()],
    validateClusters: false,
    metadata: provenance([service.source]),
  });
}

function portRoutes(view: OutboundView, rules: RuleIndex, port: number, services: readonly ServicePort[]): PortRoutes {
  // Of two hosts that claim one domain the first keeps it; services are sorted by name, so the choice does not change by itself.
  const taken = new Set<string>();
  const hosts: HostPart[] = [];
  for (const { service, port: servicePort } of services) {
    const domains = hostDomains(service, view.namespace, view.domain).filter((domain) => !taken.has(domain));
    for (const domain of domains) taken.add(domain);
    if (domains.length > 0) hosts.push(serviceHost(view, rules, service, servicePort, domains));
  }
  // A rule may route hosts that are in no registry; without a service's port they are expected on 80, as in Istio.
  for (const [host, rule] of port === 80 ? rules.otherHosts : []) {
    const routes = taken.has(host) ? [] : httpRoutes(ruleView(view, rules, rule), rule, port);
    if (routes.length === 0) continue;
    taken.add(host);
    const make = (): VirtualHost => ({
      name: `${host}:${port}`,
      domains: [host],
      routes,
      includeRequestAttemptCount: true,
      metadata: provenance(rule.sources, {}, rule.leftOut),
    });
    hosts.push({ make });
  }
  if (!taken.has("*")) hosts.push({ make: () => unknownHost(view) });
  // What it is made of stands at each virtual host; once more here it would be a quarter of the bytes.
  const frame = (): RouteConfiguration =>
    create(RouteConfigurationSchema, {
      name: String(port),
      ignorePortInHostMatching: true,
      validateClusters: false,
      maxDirectResponseBodySizeBytes: 1_048_576,
    });
  return { name: String(port), frame: { inputs: [port], make: frame }, hosts };
}

function serviceHost(
  view: OutboundView,
  rules: RuleIndex,
  service: MeshService,
  port: MeshPort,
  domains: readonly string[],
): HostPart {
  const rule = rules.ruleOf(service.hostname);
  const host = (routes: Route[], sources: readonly ObjectRef[]): VirtualHost => ({
    name: `${service.hostname}:${port.number}`,
    domains: [...domains],
    routes,
    includeRequestAttemptCount: true,
    metadata: provenance([service.source, ...sources], {}, rule?.leftOut),
  });
  const about = `${port.number} ${domains.join(" ")}`;
  // A rule has the last word: what it does not match is answered 404.
  if (rule !== undefined && rule.http.length > 0) {
    const own = ruleView(view, rules, rule);
    return {
      inputs: [service, about, ...ruleInputs(own, rule)],
      make: () => host(httpRoutes(own, rule, port.number), rule.sources),
    };
  }
  const policy = view.policies[service.hostname];
  const own: RouteView = {
    settings: view.settings,
    services: [],
    policies: policy === undefined ? {} : { [service.hostname]: policy },
  };
  return {
    inputs: [service, about, view.settings.mesh, policy, rule?.leftOut],
    make: () => host([defaultRoute(own, service, port)], []),
  };
}

/** Made by nothing but the service, which the virtual host names. */
function defaultRoute(view: RouteView, service: MeshService, port: MeshPort): Route {
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
    typedPerFilterConfig: ownProtocols(view, service.hostname, port.number, undefined),
    decorator: { operation: `${service.hostname}:${port.number}/*` },
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
