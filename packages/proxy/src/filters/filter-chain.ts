import { keptState } from "../config/filter-state.ts";
import type { CompressorRouteConfig } from "../config/filters/compressor.ts";
import type { ExtAuthzRouteConfig } from "../config/filters/ext-authz.ts";
import type { ExtProcRouteConfig } from "../config/filters/ext-proc.ts";
import type { HeaderMutationConfig } from "../config/filters/header-mutation.ts";
import type { JwtAuthnConfig, JwtRouteConfig } from "../config/filters/jwt-authn.ts";
import type { LayeredRouteConfig } from "../config/filters/layered-filters.ts";
import type { RouteFilter, RouteFilterConfig } from "../config/filters/per-route.ts";
import type { RateLimitRouteConfig } from "../config/filters/rate-limit.ts";
import type { HttpFilterConfig, NamedFilter } from "../config/http-filters.ts";
import type { CompiledRoute } from "../router/route-table.ts";
import { createBufferFilter } from "./buffer-filter.ts";
import { createCompressorFilter } from "./compressor-filter.ts";
import { createCorsFilter } from "./cors-filter.ts";
import { createDecompressorFilter } from "./decompressor-filter.ts";
import type { ChainCompressor } from "./encoding-choice.ts";
import { createExtAuthzFilter } from "./ext-authz-filter.ts";
import { createExtProcFilter } from "./ext-proc/ext-proc-filter.ts";
import { createFaultFilter } from "./fault-filter.ts";
import { createFilterStateFilter } from "./filter-state-filter.ts";
import { GRPC_WEB_FILTER } from "./grpc-web-filter.ts";
import { createHeaderMutationFilter } from "./header-mutation-filter.ts";
import type { FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { createJwtAuthnFilter, createJwtVerifier, type JwtVerifier } from "./jwt-authn-filter.ts";
import { createLayeredFilters, isLayered, isLayeredRoute, type LayeredFilters } from "./layered-filters.ts";
import { createLocalRateLimitFilter } from "./local-rate-limit-filter.ts";
import { createRateLimitFilter } from "./rate-limit-filter.ts";
import { createRbacFilter } from "./rbac-filter.ts";

/** The filters of a connection manager, compiled for each of its routes. */
export interface FilterChains {
  /** In the order in which they run; undefined for requests without a route. */
  forRoute(route: CompiledRoute | undefined): readonly HttpFilter[];
}

class CompiledChains implements FilterChains {
  readonly #filters: readonly NamedFilter[];
  readonly #around: FilterSurroundings;
  readonly #byRoute = new WeakMap<CompiledRoute, readonly HttpFilter[]>();
  /** One instance per configuration: a bucket or a limit counts over all routes that share it. */
  readonly #instances = new WeakMap<object, HttpFilter>();
  readonly #verifiers = new WeakMap<JwtAuthnConfig, JwtVerifier>();
  readonly #layered: LayeredFilters;
  #withoutRoute: readonly HttpFilter[] | undefined;

  constructor(filters: readonly NamedFilter[], around: FilterSurroundings) {
    this.#filters = filters;
    this.#around = around;
    this.#layered = createLayeredFilters(around);
  }

  forRoute(route: CompiledRoute | undefined): readonly HttpFilter[] {
    if (route === undefined) {
      this.#withoutRoute ??= this.#compile([]);
      return this.#withoutRoute;
    }
    let chain = this.#byRoute.get(route);
    if (chain === undefined) {
      chain = this.#compile([route.table.filters, route.host.filters, route.route.filters, route.clusterFilters]);
      this.#byRoute.set(route, chain);
    }
    return chain;
  }

  /** `levels` from the least to the most specific. */
  #compile(levels: readonly (ReadonlyMap<string, RouteFilter> | undefined)[]): readonly HttpFilter[] {
    const chain: HttpFilter[] = [];
    const compressors: ChainCompressor[] = [];
    for (const filter of this.#filters) {
      const overrides = levels.map((level) => level?.get(filter.name)).filter((level) => level !== undefined);
      const last = overrides[overrides.length - 1];
      // A level with a configuration switches a filter on that is off by itself.
      if (last === undefined ? filter.disabled : (last.disabled ?? false)) continue;
      const compiled = this.#instance(filter.name, filter.config, overrides, compressors);
      if (compiled !== undefined) chain.push(compiled);
    }
    return chain;
  }

  /** One for all routes: keys are fetched once. */
  #verifier(own: JwtAuthnConfig): JwtVerifier {
    let verifier = this.#verifiers.get(own);
    if (verifier === undefined) {
      verifier = createJwtVerifier(own, this.#around);
      this.#verifiers.set(own, verifier);
    }
    return verifier;
  }

  #instance(
    name: string,
    own: HttpFilterConfig,
    overrides: readonly RouteFilter[],
    compressors: ChainCompressor[],
  ): HttpFilter | undefined {
    if (isLayered(own)) {
      const route = overrides.findLast(({ config }) => config !== undefined)?.config;
      return this.#layered.of(name, own, route !== undefined && isLayeredRoute(route) ? route : undefined);
    }
    if (own.kind === "grpc-web") return GRPC_WEB_FILTER;
    if (own.kind === "decompressor") return createDecompressorFilter(own, this.#around);
    if (own.kind === "compressor") {
      const route = overrides
        .map((o) => o.config)
        .findLast((c): c is CompressorRouteConfig => c?.kind === "compressor-route");
      return createCompressorFilter(own, route, compressors, this.#around);
    }
    if (own.kind === "set-filter-state") return createFilterStateFilter(own.values);
    if (own.kind === "header-mutation") {
      const levels = overrides.map((o) => o.config).filter((c): c is HeaderMutationConfig => c?.kind === own.kind);
      return createHeaderMutationFilter([own, ...levels]);
    }
    if (own.kind === "jwt-authn") {
      const route = overrides.map((o) => o.config).findLast((c): c is JwtRouteConfig => c?.kind === "jwt-route");
      return createJwtAuthnFilter(this.#verifier(own), route, this.#around);
    }
    if (own.kind === "ext-authz") {
      const route = overrides
        .map((o) => o.config)
        .findLast((c): c is ExtAuthzRouteConfig => c?.kind === "ext-authz-route");
      return createExtAuthzFilter(own, route, this.#around);
    }
    if (own.kind === "ext-proc") {
      const levels = overrides
        .map((o) => o.config)
        .filter((c): c is ExtProcRouteConfig => c?.kind === "ext-proc-route");
      return createExtProcFilter(own, levels, this.#around);
    }
    if (own.kind === "rate-limit") {
      const route = overrides
        .map((o) => o.config)
        .findLast((c): c is RateLimitRouteConfig => c?.kind === "rate-limit-route");
      return createRateLimitFilter(own, route, this.#around);
    }
    const config = overrides.findLast((o) => o.config !== undefined)?.config ?? routeConfig(own);
    if (config === undefined || isLayeredRoute(config)) return undefined;
    let instance = this.#instances.get(config);
    if (instance === undefined) {
      instance = create(config, name, this.#around);
      this.#instances.set(config, instance);
    }
    return instance;
  }
}

/** What runs without any configuration on routes. */
function routeConfig(own: HttpFilterConfig): RouteFilterConfig | undefined {
  switch (own.kind) {
    case "buffer":
    case "fault":
    case "local-rate-limit":
    case "rbac":
      return own;
    default:
      return undefined;
  }
}

function create(
  config: Exclude<RouteFilterConfig, LayeredRouteConfig>,
  name: string,
  around: FilterSurroundings,
): HttpFilter {
  switch (config.kind) {
    case "buffer":
      return createBufferFilter(config);
    case "cors":
      return createCorsFilter(config, around);
    case "fault":
      return createFaultFilter(config, name, around);
    case "local-rate-limit":
      return createLocalRateLimitFilter(config, around);
    case "rbac":
      return createRbacFilter(config, around);
    case "header-mutation":
      return createHeaderMutationFilter([config]);
    case "jwt-route":
    case "ext-authz-route":
    case "ext-proc-route":
    case "rate-limit-route":
    case "compressor-route":
      // Belong to filters of another kind: a name that was given to the wrong filter.
      return PASS;
  }
}

/** Undefined when no filter does anything before the router, so that requests skip all of this. */
export function createFilterChains(
  filters: readonly NamedFilter[],
  around: FilterSurroundings,
): FilterChains | undefined {
  const active = filters.filter(({ config }) =>
    config.kind === "set-filter-state"
      ? keptState(config.values).length > 0
      : isLayered(config) || RUNS.has(config.kind),
  );
  return active.length === 0 ? undefined : new CompiledChains(active, around);
}

const PASS: HttpFilter = { onRequest: () => true };

const RUNS: ReadonlySet<HttpFilterConfig["kind"]> = new Set([
  "buffer",
  "grpc-web",
  "cors",
  "fault",
  "local-rate-limit",
  "rbac",
  "header-mutation",
  "jwt-authn",
  "ext-authz",
  "ext-proc",
  "rate-limit",
  "compressor",
  "decompressor",
]);
