import { typeUrls } from "@heddle/xds-api";
import type { DiscoveryService } from "./discovery-stream.ts";

const service = (type: string, plural: string): DiscoveryService => ({
  name: `envoy.service.${type.toLowerCase()}.v3.${type}DiscoveryService`,
  sotw: `Stream${plural}`,
  delta: `Delta${plural}`,
});

/** Types that others refer to by name, in the order in which they are asked for. */
export const REFERRED: readonly string[] = [typeUrls.runtime, typeUrls.endpoint, typeUrls.route, typeUrls.secret];

/** The services that serve one type of resources each. */
export const SERVICES: ReadonlyMap<string, DiscoveryService> = new Map([
  [typeUrls.listener, service("Listener", "Listeners")],
  [typeUrls.cluster, service("Cluster", "Clusters")],
  [typeUrls.route, service("Route", "Routes")],
  [typeUrls.endpoint, service("Endpoint", "Endpoints")],
  [typeUrls.secret, service("Secret", "Secrets")],
  [typeUrls.runtime, service("Runtime", "Runtime")],
]);
