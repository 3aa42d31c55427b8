import { typeUrls } from "@heddle/xds-api";
import type { DiscoveryService } from "./discovery-stream.ts";

const service = (type: string, plural: string, folder = type.toLowerCase()): DiscoveryService => ({
  name: `envoy.service.${folder}.v3.${type}DiscoveryService`,
  sotw: `Stream${plural}`,
  delta: `Delta${plural}`,
});

/** Types that others refer to, in the order in which they are asked for. */
export const REFERRED: readonly string[] = [
  typeUrls.runtime,
  typeUrls.endpoint,
  typeUrls.scopedRoute,
  typeUrls.route,
  typeUrls.secret,
];

/** The services that serve one type of resources each. */
export const SERVICES: ReadonlyMap<string, DiscoveryService> = new Map([
  [typeUrls.listener, service("Listener", "Listeners")],
  [typeUrls.cluster, service("Cluster", "Clusters")],
  [typeUrls.route, service("Route", "Routes")],
  [typeUrls.scopedRoute, service("ScopedRoutes", "ScopedRoutes", "route")],
  [typeUrls.endpoint, service("Endpoint", "Endpoints")],
  [typeUrls.secret, service("Secret", "Secrets")],
  [typeUrls.runtime, service("Runtime", "Runtime")],
]);
