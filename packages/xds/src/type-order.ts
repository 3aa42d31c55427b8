import { typeUrls } from "@heddle/xds-api";

/**
 * Clusters, then their endpoints, then listeners, then routes: whoever is told of a name was told before of what it points to.
 * Other types are independent. Source: Envoy "xDS protocol", eventual consistency considerations.
 */
const order: readonly string[] = [typeUrls.cluster, typeUrls.endpoint, typeUrls.listener, typeUrls.route];

/** Position in the order; -1 for a type that waits for nobody. */
export function rankOf(typeUrl: string): number {
  return order.indexOf(typeUrl);
}

/**
 * Types of which a state-of-the-world response holds everything: what is absent is gone. Source: xDS protocol, "How the client specifies what
 * resources to return"; of scoped routes only Envoy's subscription says so, which takes those away that a response does not have.
 */
export function isFullState(typeUrl: string): boolean {
  return typeUrl === typeUrls.cluster || typeUrl === typeUrls.listener || typeUrl === typeUrls.scopedRoute;
}

/** Types whose removal waits until nothing refers to them any more (make before break). */
export function lingers(typeUrl: string): boolean {
  return typeUrl === typeUrls.cluster || typeUrl === typeUrls.endpoint;
}

/** The type whose resources a changed resource of `typeUrl` waits for. Source: Envoy "xDS protocol", resource warming. */
export function dependentType(typeUrl: string): string | undefined {
  if (typeUrl === typeUrls.cluster) return typeUrls.endpoint;
  return typeUrl === typeUrls.listener ? typeUrls.route : undefined;
}
