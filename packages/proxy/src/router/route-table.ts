// Hot path: one look-up per request.
import { HEADER_ID, type RequestHead } from "@heddle/wire";
import type { RouteFilters } from "../config/filters/per-route.ts";
import type { HeaderMutations } from "../config/header-mutation.ts";
import { actionsOf, type MatchTree } from "../config/matcher/match-tree.ts";
import type { RouteConfig } from "../config/route.ts";
import type { RouteTableConfig, VirtualHostConfig } from "../config/route-table.ts";
import { createRouteCounterSet, type RouteCounterSet, type RouteCounters } from "../counters/route-counters.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { chooseWeighted } from "./cluster-choice.ts";
import { matchTree } from "./match-tree.ts";
import { requestOnly } from "./request-facts.ts";
import { type MatchedRecord, matchesRoute } from "./route-matcher.ts";
import { createVirtualClusters, type VirtualClusters } from "./virtual-clusters.ts";

/** A route together with what surrounds it; made once per configuration. */
export interface CompiledRoute {
  readonly route: RouteConfig;
  readonly host: VirtualHostConfig;
  readonly table: RouteTableConfig;
  /** Header changes in the order in which they run; empty mostly. */
  readonly mutations: readonly HeaderMutations[];
  /** Body kept for another try. Units: bytes. */
  readonly bufferBytes: number;
  /** Filter configuration of the chosen share of the traffic. */
  readonly clusterFilters: RouteFilters | undefined;
  /** One for each share of the traffic, where shares configure filters; undefined mostly. */
  readonly shares: readonly CompiledRoute[] | undefined;
  /** Undefined: the route is not counted apart. */
  readonly counters: RouteCounters | undefined;
  readonly virtualClusters: VirtualClusters | undefined;
}

const X_ENVOY_INTERNAL = HEADER_ID["x-envoy-internal"];

/** Body kept for a retry, or while no connection is there. Beyond it a request is sent once only. Units: bytes. */
export const REPLAY_BYTES = 262_144;

/** Routes ready for requests. */
export interface RouteTable {
  readonly config: RouteTableConfig;
  /** The virtual host of an authority, or undefined. */
  findHost(authority: string): VirtualHostConfig | undefined;
  /** The first route that matches, or undefined. `random` in [0, 1) decides runtime fractions; without `record` nothing is known but the request. */
  match(
    request: RequestHead,
    random: () => number,
    runtime: Runtime,
    record?: MatchedRecord,
  ): CompiledRoute | undefined;
}

class CompiledHost {
  readonly config: VirtualHostConfig;
  readonly routes: readonly CompiledRoute[];
  /** The first route, when it takes every request. */
  readonly catchAll: CompiledRoute | undefined;
  /** The routes that a matcher leads to; undefined mostly. */
  readonly byTree: ((request: RequestHead) => readonly CompiledRoute[]) | undefined;
  /** Redirects what must come over TLS; undefined: everything may come as it is. */
  readonly toHttps: CompiledRoute | undefined;

  constructor(table: RouteTableConfig, host: VirtualHostConfig, counters: RouteCounterSet) {
    this.config = host;
    const groups = createVirtualClusters(host.name, host.virtualClusters, counters);
    this.routes = host.routes.map((route) => compileRoute(table, host, route, counters, groups));
    const first = host.routes[0]?.match;
    const takesAll =
      first !== undefined &&
      first.path.kind === "prefix" &&
      first.path.text === "/" &&
      first.headers.length === 0 &&
      first.query.length === 0 &&
      !first.grpc &&
      first.fraction === undefined &&
      first.around === undefined;
    this.catchAll = takesAll ? this.routes[0] : undefined;
    this.byTree = host.tree && routesByTree(host.tree, (route) => compileRoute(table, host, route, counters, groups));
    this.toHttps = host.requireTls === "none" ? undefined : compileRoute(table, host, TO_HTTPS, counters, groups);
  }
}

const NO_ROUTES: readonly CompiledRoute[] = [];

function routesByTree(
  tree: MatchTree<readonly RouteConfig[]>,
  compile: (route: RouteConfig) => CompiledRoute,
): (request: RequestHead) => readonly CompiledRoute[] {
  const compiled = new Map([...actionsOf(tree)].map((routes) => [routes, routes.map(compile)] as const));
  return (request) => {
    const found = matchTree(tree, requestOnly(request));
    return (found && compiled.get(found)) ?? NO_ROUTES;
  };
}

function compileRoute(
  table: RouteTableConfig,
  host: VirtualHostConfig,
  route: RouteConfig,
  counters: RouteCounterSet,
  virtualClusters: VirtualClusters | undefined,
): CompiledRoute {
  const compiled = {
    route,
    host,
    table,
    mutations: route === TO_HTTPS ? [] : orderMutations(table, host, route),
    bufferBytes: route.bufferBytes ?? host.bufferBytes ?? REPLAY_BYTES,
    clusterFilters: undefined,
    shares: undefined,
    counters: route.statPrefix === "" ? undefined : counters.get(`vhost.${host.name}.route.${route.statPrefix}`),
    virtualClusters,
  };
  const { action } = route;
  if (action.kind !== "forward" || action.choice.kind !== "weighted") return compiled;
  const { choice } = action;
  if (choice.clusters.every((item) => item.filters === undefined)) return compiled;
  // Filters run before the router, so the share is chosen together with the route.
  const shares = choice.clusters.map((item) => ({
    ...compiled,
    route: {
      ...route,
      action: { ...action, choice: { ...choice, clusters: [item], total: Math.max(1, item.weight) } },
    },
    clusterFilters: item.filters,
  }));
  return { ...compiled, shares };
}

/** The route itself, or the share of it that chance gives the request. */
function shareOf(compiled: CompiledRoute, request: RequestHead, random: () => number): CompiledRoute {
  const { shares } = compiled;
  const { action } = compiled.route;
  if (shares === undefined || action.kind !== "forward" || action.choice.kind !== "weighted") return compiled;
  const chosen = action.choice.clusters.indexOf(chooseWeighted(action.choice, request, random));
  return shares[chosen] ?? compiled;
}

const TO_HTTPS: RouteConfig = {
  name: "",
  match: {
    path: { kind: "prefix", text: "/" },
    caseSensitive: true,
    headers: [],
    query: [],
    grpc: false,
    fraction: undefined,
    around: undefined,
  },
  action: {
    kind: "redirect",
    status: 301,
    scheme: "https",
    host: undefined,
    port: undefined,
    path: undefined,
    stripQuery: false,
  },
  mutations: undefined,
  filters: undefined,
  bufferBytes: undefined,
  operation: "",
  toldOperation: "",
  statPrefix: "",
  tracing: undefined,
  source: undefined,
  metadata: undefined,
};

/** Source: Envoy `require_tls`. */
function needsTls(host: VirtualHostConfig, request: RequestHead): boolean {
  const { headers } = request;
  if (headers.getId(HEADER_ID["x-forwarded-proto"]) === "https") return false;
  return host.requireTls === "all" || headers.get("x-envoy-internal") !== "true";
}

function orderMutations(
  table: RouteTableConfig,
  host: VirtualHostConfig,
  route: RouteConfig,
): readonly HeaderMutations[] {
  const levels = [route.mutations, host.mutations, table.mutations];
  if (table.mostSpecificWins) levels.reverse();
  return levels.filter((level) => level !== undefined);
}

class IndexedTable implements RouteTable {
  readonly config: RouteTableConfig;
  readonly #exact = new Map<string, CompiledHost>();
  /** `*.example.com`, longest first. */
  readonly #suffixes: (readonly [string, CompiledHost])[] = [];
  /** `example.*`, longest first. */
  readonly #prefixes: (readonly [string, CompiledHost])[] = [];
  #default: CompiledHost | undefined;

  constructor(config: RouteTableConfig, counters: RouteCounterSet) {
    this.config = config;
    for (const host of config.hosts) {
      const compiled = new CompiledHost(config, host, counters);
      for (const raw of host.domains) {
        const domain = raw.toLowerCase();
        if (domain === "*") this.#default = compiled;
        else if (domain.startsWith("*")) this.#suffixes.push([domain.slice(1), compiled]);
        else if (domain.endsWith("*")) this.#prefixes.push([domain.slice(0, -1), compiled]);
        else this.#exact.set(domain, compiled);
      }
    }
    this.#suffixes.sort((a, b) => b[0].length - a[0].length);
    this.#prefixes.sort((a, b) => b[0].length - a[0].length);
  }

  findHost(authority: string): VirtualHostConfig | undefined {
    return this.#find(authority)?.config;
  }

  match(
    request: RequestHead,
    random: () => number,
    runtime: Runtime,
    record?: MatchedRecord,
  ): CompiledRoute | undefined {
    const { internalOnly } = this.config;
    if (internalOnly.length > 0 && !request.headers.hasId(X_ENVOY_INTERNAL))
      for (const name of internalOnly) request.headers.remove(name);
    const host = this.#find(request.authority);
    if (host === undefined) return undefined;
    if (host.toHttps !== undefined && needsTls(host.config, request)) return host.toHttps;
    // CONNECT has no path, so a catch-all prefix does not take it.
    if (host.catchAll !== undefined && request.path !== "")
      return host.catchAll.shares === undefined ? host.catchAll : shareOf(host.catchAll, request, random);
    const routes = host.byTree === undefined ? host.routes : host.byTree(request);
    for (let i = 0; i < routes.length; i++) {
      const compiled = routes[i];
      if (
        compiled !== undefined &&
        matchesRoute(compiled.route.match, request, this.config.ignorePathParameters, random, runtime, record)
      ) {
        return compiled.shares === undefined ? compiled : shareOf(compiled, request, random);
      }
    }
    return undefined;
  }

  #find(authority: string): CompiledHost | undefined {
    const exact = this.#exact.get(authority);
    if (exact !== undefined) return exact;
    let name = authority.toLowerCase();
    if (this.config.ignorePort) name = withoutPort(name);
    return this.#exact.get(name) ?? this.#findWildcard(name) ?? this.#default;
  }

  #findWildcard(name: string): CompiledHost | undefined {
    for (const [suffix, host] of this.#suffixes) {
      if (name.length > suffix.length && name.endsWith(suffix)) return host;
    }
    for (const [prefix, host] of this.#prefixes) {
      if (name.length > prefix.length && name.startsWith(prefix)) return host;
    }
    return undefined;
  }
}

/** `a:80` → `a`; IPv6 literals keep their brackets. */
export function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(":");
  return colon > authority.lastIndexOf("]") && colon >= 0 ? authority.slice(0, colon) : authority;
}

/** `counters`: where routes and virtual clusters count. Default: nobody looks at it. */
export function compileRouteTable(config: RouteTableConfig, counters = createRouteCounterSet()): RouteTable {
  return new IndexedTable(config, counters);
}

/** Whether a request is gRPC by its content type. */
export function isGrpc(request: RequestHead): boolean {
  const type = request.headers.getId(HEADER_ID["content-type"]);
  return type?.startsWith("application/grpc") === true && (type.length === 16 || type[16] === "+" || type[16] === ";");
}
