import type { EndpointsView, InboundView, OutboundView, ProxyView } from "@heddle/model";
import type { Cluster } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import type { ClusterLoadAssignment } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import type { Listener } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import type { RouteConfiguration } from "@heddle/xds-api/envoy/config/route/v3/route";
import { inboundClusters, outboundFixedClusters } from "./cluster/fixed-clusters.ts";
import { loadAssignment } from "./cluster/load-assignment.ts";
import { outboundClusterParts, outboundClusters, passthroughClusters } from "./cluster/outbound-cluster.ts";
import { gatewayListeners } from "./gateway/listeners.ts";
import { gatewayRoutes } from "./gateway/routes.ts";
import { outboundListeners } from "./listener/outbound-listeners.ts";
import { virtualInbound } from "./listener/virtual-inbound.ts";
import type { Part } from "./part.ts";
import { detectedRouteConfigurations, outboundRoutes, type PortRoutes, sharedRoutes } from "./route/outbound-routes.ts";

/** What a proxy is told, apart from endpoints. Names are unique within each list. */
export interface ProxyResources {
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
  readonly clusters: readonly Cluster[];
}

/** The outbound half; the same for all proxies whose views have this `hash`, so cache its encoded form by it. */
export function translateOutbound(view: OutboundView): ProxyResources {
  if (view.gateway !== undefined) {
    return {
      listeners: gatewayListeners(view),
      routes: gatewayRoutes(view),
      clusters: [...outboundClusters(view), ...passthroughClusters(view), ...outboundFixedClusters(view)],
    };
  }
  return {
    listeners: outboundListeners(view),
    routes: outboundRoutes(view),
    clusters: [...outboundClusters(view), ...outboundFixedClusters(view)],
  };
}

/** The outbound half of a sidecar in parts that other views may share; undefined where it cannot be taken apart. */
export interface OutboundParts {
  readonly listeners: readonly Listener[];
  readonly clusters: readonly Part<readonly Cluster[]>[];
  /** Clusters of the view itself. */
  readonly ownClusters: readonly Cluster[];
  readonly routes: readonly PortRoutes[];
  readonly ownRoutes: readonly RouteConfiguration[];
}

/** Together, in this order, the parts are what `translateOutbound` gives. EnvoyFilters need whole resources. */
export function translateOutboundParts(view: OutboundView): OutboundParts | undefined {
  if (view.gateway !== undefined || view.patches.length > 0) return undefined;
  return {
    listeners: outboundListeners(view),
    clusters: outboundClusterParts(view),
    ownClusters: outboundFixedClusters(view),
    routes: sharedRoutes(view),
    ownRoutes: detectedRouteConfigurations(view),
  };
}

/** The inbound half; the same for replicas. */
export function translateInbound(view: InboundView): ProxyResources {
  // A gateway has no application behind it.
  if (view.proxy.kind === "router") return { listeners: [], routes: [], clusters: [] };
  return { listeners: [virtualInbound(view)], routes: [], clusters: inboundClusters(view) };
}

/** Both halves. */
export function translate(view: ProxyView): ProxyResources {
  const outbound = translateOutbound(view.outbound);
  const inbound = translateInbound(view.inbound);
  return {
    listeners: [...outbound.listeners, ...inbound.listeners],
    routes: [...outbound.routes, ...inbound.routes],
    clusters: [...outbound.clusters, ...inbound.clusters],
  };
}

/** One EDS resource. */
export function translateEndpoints(view: EndpointsView): ClusterLoadAssignment {
  return loadAssignment(view);
}
