import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { formatSni, type MeshPort, type MeshService, type OutboundView, parseClusterName, wireOf } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { type RouteConfiguration, RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import type { RouteSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { HTTPFaultSchema } from "@heddle/xds-api/envoy/extensions/filters/http/fault/v3/fault";
import { RouterSchema } from "@heddle/xds-api/envoy/extensions/filters/http/router/v3/router";
import {
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { circuitBreakers } from "../cluster/circuit-breakers.ts";
import { effectivePolicy } from "../cluster/effective-policy.ts";
import { loadBalancer } from "../cluster/load-balancer.ts";
import { edsConfigOf, outboundClusterName } from "../cluster/outbound-cluster.ts";
import { fromAds } from "../config-source.ts";
import { noTimeout } from "../proto-duration.ts";
import { provenance, serviceMetadata } from "../provenance.ts";
import { hashPolicies } from "../route/hash-policy.ts";
import { hostDomains } from "../route/host-domains.ts";
import { httpRoutes } from "../route/http-route.ts";
import { retryPolicy } from "../route/retry-policy.ts";
import { createRuleIndex } from "../route/rule-index.ts";
import { providerClientTls } from "./provider-tls.ts";

type HttpFilter = MessageInitShape<typeof HttpFilterSchema>;
type Route = MessageInitShape<typeof RouteSchema>;

/** What a gRPC client asks for, by name. */
export interface ClientResources {
  /** `host:port` of `xds:///host:port`, in any form that DNS would complete. */
  listener(name: string): Listener | undefined;
  /** `outbound|port||host` */
  routes(name: string): RouteConfiguration | undefined;
  /** `outbound|port|subset|host` */
  cluster(name: string): Cluster | undefined;
}

export const routerFilter: HttpFilter = {
  name: "envoy.filters.http.router",
  configType: { case: "typedConfig", value: packAny(RouterSchema, create(RouterSchema)) },
};
const faultFilter: HttpFilter = {
  name: "envoy.filters.http.fault",
  configType: { case: "typedConfig", value: packAny(HTTPFaultSchema, create(HTTPFaultSchema)) },
};

/** The subset of a sidecar's outbound configuration that gRPC libraries read. Source: gRFCs A27, A28, A31, A33, A42, A44, A50. */
export function clientResources(view: OutboundView): ClientResources {
  const rules = createRuleIndex(view);
  const byHostname = new Map(view.services.map((service) => [service.hostname, service]));
  const byName = new Map<string, MeshService>();
  for (const service of view.services) {
    for (const domain of hostDomains(service, view.namespace, view.domain))
      if (!byName.has(domain)) byName.set(domain, service);
  }
  const portOf = (service: MeshService | undefined, number: number): MeshPort | undefined =>
    service?.ports.find((port) => port.number === number && wireOf(port.protocol) !== "none");
  const target = (name: string) => {
    const parsed = parseClusterName(name);
    const service = parsed === undefined ? undefined : byHostname.get(parsed.hostname);
    const port = portOf(service, parsed?.port ?? 0);
    return parsed === undefined || service === undefined || port === undefined
      ? undefined
      : { service, port, subset: parsed.subset };
  };
  return {
    listener(name) {
      const colon = name.lastIndexOf(":");
      const service = byName.get(name.slice(0, Math.max(0, colon)));
      const port = portOf(service, Number(name.slice(colon + 1)));
      if (service === undefined || port === undefined) return undefined;
      const manager = create(HttpConnectionManagerSchema, {
        routeSpecifier: {
          case: "rds",
          value: { configSource: fromAds, routeConfigName: outboundClusterName(service, port) },
        },
        httpFilters: [faultFilter, routerFilter],
      });
      return create(ListenerSchema, {
        name,
        apiListener: { apiListener: packAny(HttpConnectionManagerSchema, manager) },
        metadata: provenance([service.source]),
      });
    },
    routes(name) {
      const found = target(name);
      if (found === undefined || found.subset !== "") return undefined;
      const { service, port } = found;
      const rule = rules.ruleOf(service.hostname);
      const routed = rule !== undefined && rule.http.length > 0;
      const routes = routed
        ? httpRoutes(view, rule, port.number).flatMap(forGrpc)
        : [defaultRoute(view, service, port)];
      const metadata = provenance(routed ? [service.source, ...rule.sources] : [service.source]);
      return create(RouteConfigurationSchema, {
        name,
        // The listener is for one host, whatever the client calls it.
        virtualHosts: [{ name: `${service.hostname}:${port.number}`, domains: ["*"], routes, metadata }],
        metadata,
      });
    },
    cluster(name) {
      const found = target(name);
      return found === undefined ? undefined : grpcCluster(view, found.service, found.port, found.subset);
    },
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
        // Zero is no limit: the deadline is the caller's own.
        maxStreamDuration: { maxStreamDuration: noTimeout },
        hashPolicy: hashPolicies(view, service.hostname, port.number, undefined),
        ...(retries === undefined ? {} : { retryPolicy: grpcRetries(retries) }),
      },
    },
    metadata: provenance([service.source]),
  };
}

type RouteAction = Extract<NonNullable<Route["action"]>, { readonly case: "route" }>["value"];
type Retries = NonNullable<RouteAction["retryPolicy"]>;

/** Only what gRPC reads: conditions, number, pause. Its retries choose another endpoint by themselves. */
function grpcRetries(policy: Retries): Retries {
  return {
    retryOn: policy.retryOn ?? "",
    ...(policy.numRetries === undefined ? {} : { numRetries: policy.numRetries }),
    ...(policy.retryBackOff === undefined ? {} : { retryBackOff: policy.retryBackOff }),
  };
}

/** A route as gRPC takes it. One that redirects or answers by itself is left out: such a resource would be refused as a whole. */
function forGrpc(route: Route): readonly Route[] {
  if (route.action?.case !== "route") return [];
  const { value } = route.action;
  const fault = route.typedPerFilterConfig?.[faultFilter.name ?? ""];
  return [
    {
      name: route.name ?? "",
      ...(route.match === undefined ? {} : { match: route.match }),
      action: {
        case: "route",
        value: {
          ...(value.clusterSpecifier === undefined ? {} : { clusterSpecifier: value.clusterSpecifier }),
          // `timeout` of Envoy's routes is unknown to gRPC; this is its own.
          ...(value.maxStreamDuration === undefined ? {} : { maxStreamDuration: value.maxStreamDuration }),
          ...(value.retryPolicy === undefined ? {} : { retryPolicy: grpcRetries(value.retryPolicy) }),
          ...(value.hashPolicy === undefined ? {} : { hashPolicy: value.hashPolicy }),
        },
      },
      typedPerFilterConfig: fault === undefined ? {} : { "envoy.filters.http.fault": fault },
      ...(route.metadata === undefined ? {} : { metadata: route.metadata }),
    },
  ];
}

function grpcCluster(view: OutboundView, service: MeshService, port: MeshPort, subset: string): Cluster | undefined {
  const rules = view.policies[service.hostname];
  if (subset !== "" && rules?.subsets.some((one) => one.name === subset) !== true) return undefined;
  const name = outboundClusterName(service, port, subset);
  const policy = effectivePolicy(rules, port.number, subset);
  const { tls } = policy;
  const balancer = loadBalancer(policy.loadBalancer);
  const ring = balancer.lbPolicy === Cluster_LbPolicy.RING_HASH;
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: edsConfigOf(view, service, policy, name),
    // All libraries have these two; what else a rule may ask for becomes round robin instead of a refused cluster.
    lbPolicy: ring ? Cluster_LbPolicy.RING_HASH : Cluster_LbPolicy.ROUND_ROBIN,
    ...(ring && balancer.lbConfig !== undefined ? { lbConfig: balancer.lbConfig } : {}),
    circuitBreakers: circuitBreakers(policy),
    ...(tls?.mode === "ISTIO_MUTUAL"
      ? {
          transportSocket: providerClientTls(
            tls.subjectAltNames.length > 0 ? tls.subjectAltNames : service.identities,
            tls.sni ?? formatSni(port.number, subset, service.hostname),
          ),
        }
      : {}),
    metadata: serviceMetadata(service, rules?.sources ?? []),
  });
}
