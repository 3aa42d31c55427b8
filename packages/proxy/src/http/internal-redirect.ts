import type { RequestHead, ResponseHead } from "@heddle/wire";
import type { InternalRedirectConfig } from "../config/internal-redirect.ts";
import type { MatchedRecord } from "../router/route-matcher.ts";
import type { CompiledRoute } from "../router/route-table.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { HttpManager } from "./connection-manager.ts";

/**
 * Makes the request the one that a redirect asks for and gives its route; undefined when the client must follow it itself.
 * `followed`: routes taken before. Source: Envoy internal redirects.
 */
export function followRedirect(
  config: InternalRedirectConfig,
  request: RequestHead,
  head: ResponseHead,
  followed: readonly CompiledRoute[],
  manager: Pick<HttpManager, "routes" | "random" | "runtime">,
  record?: MatchedRecord,
): CompiledRoute | undefined {
  if (followed.length >= config.max || !config.statuses.has(head.status)) return undefined;
  const location = head.headers.get("location");
  if (location === undefined) return undefined;
  const scheme = request.headers.get("x-forwarded-proto") ?? "http";
  // Only complete URLs are followed. Source: Envoy.
  const target = URL.parse(location);
  if (target === null || (target.protocol !== "http:" && target.protocol !== "https:")) return undefined;
  const next = target.protocol.slice(0, -1);
  if (next !== scheme) {
    if (!config.crossScheme) return undefined;
    if (config.safeCrossScheme && next === "https") return undefined;
  }
  const { authority, path, method } = request;
  request.headers.set("x-forwarded-proto", next);
  request.authority = target.host;
  request.path = target.pathname + target.search;
  const route = manager.routes(request)?.match(request, manager.random, manager.runtime, record);
  if (route === undefined || !allowed(config, route, followed)) {
    request.headers.set("x-forwarded-proto", scheme);
    request.authority = authority;
    request.path = path;
    return undefined;
  }
  request.headers.set("x-envoy-original-url", `${scheme}://${authority}${path}`);
  for (const name of config.copyHeaders) {
    const value = head.headers.get(name);
    if (value === undefined) request.headers.remove(name);
    else request.headers.set(name, value);
  }
  // 303 turns everything into a GET. Source: RFC 9110 15.4.4.
  if (head.status === 303 && method !== "HEAD") {
    request.method = "GET";
    request.headers.remove("content-length");
  }
  return route;
}

/** Counts an answer on a route that follows redirects. */
export function countRedirect(cluster: Cluster | undefined, status: number, followed: boolean): void {
  if (cluster === undefined) return;
  if (followed) cluster.counters.redirectsFollowed++;
  else if (status >= 301 && status <= 308 && status !== 304) cluster.counters.redirectsFailed++;
}

function allowed(config: InternalRedirectConfig, route: CompiledRoute, followed: readonly CompiledRoute[]): boolean {
  if (config.onlyNewRoutes && followed.includes(route)) return false;
  return config.allowedRoutes === undefined || config.allowedRoutes.includes(route.route.name);
}
