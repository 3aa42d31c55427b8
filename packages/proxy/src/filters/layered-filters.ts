import type { LayeredConfig, LayeredRouteConfig } from "../config/filters/layered-filters.ts";
import type { RouteFilterConfig } from "../config/filters/per-route.ts";
import type { HttpFilterConfig } from "../config/http-filters.ts";
import { ADMISSION_STATS, createAdmissionControlFilter } from "./admission-control-filter.ts";
import { createApiKeyAuthFilter } from "./api-key-auth-filter.ts";
import { createBasicAuthFilter } from "./basic-auth-filter.ts";
import { createCsrfFilter } from "./csrf-filter.ts";
import { createHeaderToMetadataFilter, HEADER_TO_METADATA_STATS } from "./header-to-metadata-filter.ts";
import { createHealthCheckFilter, HEALTH_CHECK_STATS } from "./health-check-filter.ts";
import type { FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { createIpTaggingFilter } from "./ip-tagging-filter.ts";
import { createSetMetadataFilter } from "./set-metadata-filter.ts";
import { createStatefulSessionFilter, SESSION_STATS } from "./stateful-session-filter.ts";

const KINDS = {
  "admission-control": true,
  "api-key-auth": true,
  "basic-auth": true,
  csrf: true,
  "header-to-metadata": true,
  "health-check": true,
  "ip-tagging": true,
  "set-metadata": true,
  "stateful-session": true,
} as const satisfies Readonly<Record<LayeredConfig["kind"], true>>;

const ROUTE_KINDS = {
  "api-key-auth-route": true,
  "basic-auth-route": true,
  csrf: true,
  "header-to-metadata": true,
  "set-metadata": true,
  "stateful-session": true,
} as const satisfies Readonly<Record<LayeredRouteConfig["kind"], true>>;

export function isLayered(config: HttpFilterConfig): config is LayeredConfig {
  return Object.hasOwn(KINDS, config.kind);
}

export function isLayeredRoute(config: RouteFilterConfig): config is LayeredRouteConfig {
  return Object.hasOwn(ROUTE_KINDS, config.kind);
}

/** Instances of these filters: one for each pair of configurations, over all routes that have it. */
export interface LayeredFilters {
  /** `route`: the most specific that is given under the filter's name; of a filter of another kind, it has no effect. */
  of(name: string, own: LayeredConfig, route: LayeredRouteConfig | undefined): HttpFilter;
}

class CachedFilters implements LayeredFilters {
  readonly #around: FilterSurroundings;
  readonly #byOwn = new WeakMap<LayeredConfig, WeakMap<LayeredConfig | LayeredRouteConfig, HttpFilter>>();

  constructor(around: FilterSurroundings) {
    this.#around = around;
  }

  of(name: string, own: LayeredConfig, route: LayeredRouteConfig | undefined): HttpFilter {
    let byRoute = this.#byOwn.get(own);
    if (byRoute === undefined) {
      byRoute = new WeakMap();
      this.#byOwn.set(own, byRoute);
    }
    let filter = byRoute.get(route ?? own);
    if (filter === undefined) {
      filter = create(own, route, name, this.#around);
      byRoute.set(route ?? own, filter);
    }
    return filter;
  }
}

export function createLayeredFilters(around: FilterSurroundings): LayeredFilters {
  return new CachedFilters(around);
}

function create(
  own: LayeredConfig,
  route: LayeredRouteConfig | undefined,
  name: string,
  around: FilterSurroundings,
): HttpFilter {
  switch (own.kind) {
    case "admission-control":
      return createAdmissionControlFilter(own, around);
    case "api-key-auth":
      return createApiKeyAuthFilter(own, route?.kind === "api-key-auth-route" ? route : undefined, around);
    case "basic-auth":
      return createBasicAuthFilter(own, route?.kind === "basic-auth-route" ? route : undefined, name, around);
    case "csrf":
      return createCsrfFilter(route?.kind === "csrf" ? route : own, around);
    case "header-to-metadata":
      return createHeaderToMetadataFilter(route?.kind === "header-to-metadata" ? route : own, around);
    case "health-check":
      return createHealthCheckFilter(own, around);
    case "ip-tagging":
      return createIpTaggingFilter(own, around);
    case "set-metadata":
      return createSetMetadataFilter(own, route?.kind === "set-metadata" ? route : undefined, around);
    case "stateful-session":
      return createStatefulSessionFilter(own, route?.kind === "stateful-session" ? route : undefined, around);
  }
}

const names = (prefix: string, ...list: readonly string[]): readonly string[] =>
  list.map((name) => `${prefix}.${name}`);

/** What they count: behind the connection manager's name, and alone. */
export function layeredStats(config: LayeredConfig): {
  readonly own: readonly string[];
  readonly alone: readonly string[];
} {
  switch (config.kind) {
    case "admission-control":
      return { own: names("admission_control", ...ADMISSION_STATS), alone: [] };
    case "api-key-auth":
      return { own: names("api_key_auth", "allowed", "unauthorized", "forbidden"), alone: [] };
    case "basic-auth":
      return { own: names("basic_auth", "allowed", "denied"), alone: [] };
    case "csrf":
      return { own: names("csrf", "missing_source_origin", "request_invalid", "request_valid"), alone: [] };
    case "header-to-metadata": {
      const { statPrefix } = config;
      const alone = statPrefix === "" ? [] : names(`http_filter_name.${statPrefix}`, ...HEADER_TO_METADATA_STATS);
      return { own: [], alone };
    }
    case "health-check":
      return { own: names("health_check", ...HEALTH_CHECK_STATS), alone: [] };
    case "ip-tagging":
      return { own: [], alone: [] };
    case "set-metadata":
      return { own: ["set_metadata.overwrite_denied"], alone: [] };
    case "stateful-session":
      return {
        own: config.statPrefix === "" ? [] : names(`stateful_session.${config.statPrefix}`, ...SESSION_STATS),
        alone: [],
      };
  }
}
