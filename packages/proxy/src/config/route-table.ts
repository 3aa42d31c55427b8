import { readMessage } from "@heddle/xds-api";
import { RouteListSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import type { Matcher } from "@heddle/xds-api/xds/type/matcher/v3/matcher";
import { type AnyTable, messageEntry } from "./any-field.ts";
import { decodeRouteCors } from "./filters/cors.ts";
import { decodeRouteFilters, type RouteFilters, withCors } from "./filters/per-route.ts";
import { decodeHeaderMutations, type HeaderMutations } from "./header-mutation.ts";
import { decodeMatcher } from "./matcher/decode-matcher.ts";
import type { MatchTree } from "./matcher/match-tree.ts";
import { ROUTE_INPUTS } from "./matcher/matcher-inputs.ts";
import { decodeMirrors } from "./mirror.ts";
import {
  type Route,
  type RouteConfiguration,
  RouteConfigurationSchema,
  RouteSchema,
  type VirtualHost,
  VirtualHost_TlsRequirementType,
  VirtualHostSchema,
} from "./proto.ts";
import { decodeRateLimits, type RateLimitPolicy } from "./rate-limits.ts";
import { type ForeignMetadata, foreignMetadata, type ResourceSource, sourceOf } from "./resource-source.ts";
import { decodeRetryPolicy } from "./retry-policy.ts";
import { decodeRoute, type RouteConfig } from "./route.ts";
import type { RouteFallback } from "./route-action.ts";
import { type HostPieces, readRoutePieces } from "./route-pieces.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { runSteps, type Steps } from "./steps.ts";
import { decodeVirtualClusters, type VirtualClusterConfig } from "./virtual-cluster.ts";

/** Routes of a set of host names. */
export interface VirtualHostConfig {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly RouteConfig[];
  /** Leads to routes, the first of which that matches is taken, instead of `routes`. Undefined mostly. */
  readonly tree: MatchTree<readonly RouteConfig[]> | undefined;
  readonly mutations: HeaderMutations | undefined;
  readonly filters: RouteFilters | undefined;
  /** Requests over plain HTTP are sent to https. */
  readonly requireTls: "none" | "external" | "all";
  readonly attemptCountInRequest: boolean;
  readonly attemptCountInResponse: boolean;
  readonly rateLimits: readonly RateLimitPolicy[] | undefined;
  /** Retries say in `x-envoy-is-timeout-retry` whether a time limit caused them. */
  readonly timeoutRetryInRequest: boolean;
  /** Body kept for another try; undefined: the default. Units: bytes. */
  readonly bufferBytes: number | undefined;
  /** Requests that are counted apart; empty mostly. */
  readonly virtualClusters: readonly VirtualClusterConfig[];
  readonly source: ResourceSource;
  readonly metadata: ForeignMetadata;
}

/** A decoded RouteConfiguration. */
export interface RouteTableConfig {
  readonly name: string;
  readonly hosts: readonly VirtualHostConfig[];
  readonly mutations: HeaderMutations | undefined;
  readonly filters: RouteFilters | undefined;
  readonly ignorePort: boolean;
  readonly ignorePathParameters: boolean;
  /** Header mutations run from the most to the least specific level, or the other way round. */
  readonly mostSpecificWins: boolean;
  /** Only internal clients may send these; in lower case, empty mostly. */
  readonly internalOnly: readonly string[];
  readonly source: ResourceSource;
}

export const ROUTE_TABLE_SHAPE = shape(
  RouteConfigurationSchema,
  [
    "name",
    "virtual_hosts",
    "request_headers_to_add",
    "request_headers_to_remove",
    "response_headers_to_add",
    "response_headers_to_remove",
    "most_specific_header_mutations_wins",
    "ignore_port_in_host_matching",
    "ignore_path_parameters_in_path_matching",
    "metadata",
    "typed_per_filter_config",
    "request_mirror_policies",
    "max_direct_response_body_size_bytes",
    "internal_only_headers",
  ],
  {},
  {
    vhds: "virtual hosts come inside their route configuration",
    cluster_specifier_plugins: "there are no cluster specifier plugins",
  },
  {
    only: {
      validate_clusters: {
        values: ["false"],
        reason: "clusters come and go on their own stream; a route to an unknown one answers 503",
      },
    },
  },
);

export const VIRTUAL_HOST_SHAPE = shape(
  VirtualHostSchema,
  [
    "name",
    "domains",
    "routes",
    "matcher",
    "require_tls",
    "request_headers_to_add",
    "request_headers_to_remove",
    "response_headers_to_add",
    "response_headers_to_remove",
    "include_request_attempt_count",
    "include_attempt_count_in_response",
    "retry_policy",
    "metadata",
    "typed_per_filter_config",
    "cors",
    "request_mirror_policies",
    "hedge_policy",
    "include_is_timeout_retry_header",
    "per_request_buffer_limit_bytes",
    "rate_limits",
    "virtual_clusters",
  ],
  {},
  {
    retry_policy_typed_config: "use retry_policy",
  },
);

export function decodeRouteTable(message: RouteConfiguration, scope: DecodeScope): RouteTableConfig {
  const hosts = message.virtualHosts.map((host) => ({ host, routes: host.routes }));
  return runSteps(decodeTable(message, hosts, scope));
}

/** The same from bytes, with a step after each route. Errors: throws when the bytes are no such message. */
export function* decodeRouteTableInSteps(bytes: Uint8Array, scope: DecodeScope): Steps<RouteTableConfig> {
  const { table, hosts } = readRoutePieces(bytes);
  return yield* decodeTable(table, hosts.map(readLazily), scope);
}

/** Default of Envoy. Units: bytes. */
const DIRECT_BYTES = 4096;

interface HostMessage {
  readonly host: VirtualHost;
  /** Read when they are asked for. */
  readonly routes: Iterable<Route>;
}

function readLazily({ host, routes }: HostPieces): HostMessage {
  return { host, routes: routes.values().map((bytes) => readMessage(RouteSchema, bytes)) };
}

function* decodeTable(
  message: RouteConfiguration,
  hostMessages: readonly HostMessage[],
  scope: DecodeScope,
): Steps<RouteTableConfig> {
  checkShape(ROUTE_TABLE_SHAPE, message, scope);
  const mirrors = decodeMirrors(message.requestMirrorPolicies, scope.field("request_mirror_policies"));
  const hosts: VirtualHostConfig[] = [];
  const all = { mirrors, maxDirectBytes: message.maxDirectResponseBodySizeBytes ?? DIRECT_BYTES };
  for (const host of hostMessages)
    hosts.push(yield* decodeVirtualHost(host, all, scope.field("virtual_hosts").item(hosts.length)));
  const seen = new Map<string, string>();
  hosts.forEach((host, i) => {
    for (const domain of host.domains) {
      const key = domain.toLowerCase();
      const other = seen.get(key);
      if (other !== undefined) {
        scope
          .field("virtual_hosts")
          .item(i)
          .field("domains")
          .problem(`domain ${domain} is also in virtual host ${other}; each may stand once`);
      }
      seen.set(key, host.name);
    }
  });
  return {
    name: message.name,
    hosts,
    mutations: decodeHeaderMutations(message, scope),
    filters: decodeRouteFilters(message.typedPerFilterConfig, scope.field("typed_per_filter_config")),
    ignorePort: message.ignorePortInHostMatching,
    ignorePathParameters: message.ignorePathParametersInPathMatching,
    internalOnly: message.internalOnlyHeaders.map((name) => name.toLowerCase()),
    mostSpecificWins: message.mostSpecificHeaderMutationsWins,
    source: sourceOf(message.metadata),
  };
}

function* decodeVirtualHost(
  { host: message, routes: routeMessages }: HostMessage,
  all: Pick<RouteFallback, "mirrors" | "maxDirectBytes">,
  scope: DecodeScope,
): Steps<VirtualHostConfig> {
  checkShape(VIRTUAL_HOST_SHAPE, message, scope);
  if (message.domains.length === 0) scope.field("domains").problem("a virtual host needs at least one domain");
  const retry =
    message.retryPolicy === undefined ? undefined : decodeRetryPolicy(message.retryPolicy, scope.field("retry_policy"));
  const ownMirrors =
    message.requestMirrorPolicies.length === 0
      ? all.mirrors
      : decodeMirrors(message.requestMirrorPolicies, scope.field("request_mirror_policies"));
  const routes: RouteConfig[] = [];
  const fallback = { ...all, retry, mirrors: ownMirrors, hedge: message.hedgePolicy };
  const routesScope = scope.field("routes");
  let index = 0;
  for (const route of routeMessages) {
    const decoded = decodeRoute(route, fallback, routesScope.item(index++));
    if (decoded !== undefined) routes.push(decoded);
    yield;
  }
  if (index > 0 && message.matcher !== undefined)
    scope.problem("a virtual host has routes or a matcher, not both; write the routes as actions of the matcher");
  return {
    name: message.name,
    domains: message.domains,
    routes,
    tree: message.matcher && decodeHostMatcher(message.matcher, fallback, scope.field("matcher")),
    mutations: decodeHeaderMutations(message, scope),
    filters: withCors(
      decodeRouteFilters(message.typedPerFilterConfig, scope.field("typed_per_filter_config")),
      decodeRouteCors(message.cors, scope.field("cors")),
    ),
    requireTls:
      message.requireTls === VirtualHost_TlsRequirementType.ALL
        ? "all"
        : message.requireTls === VirtualHost_TlsRequirementType.EXTERNAL_ONLY
          ? "external"
          : "none",
    attemptCountInRequest: message.includeRequestAttemptCount,
    attemptCountInResponse: message.includeAttemptCountInResponse,
    rateLimits: decodeRateLimits(message.rateLimits, scope.field("rate_limits")),
    timeoutRetryInRequest: message.includeIsTimeoutRetryHeader,
    bufferBytes: message.perRequestBufferLimitBytes,
    virtualClusters: decodeVirtualClusters(message.virtualClusters, scope.field("virtual_clusters")),
    metadata: foreignMetadata(message.metadata),
    source: sourceOf(message.metadata),
  };
}

export const ROUTE_LIST_SHAPE = shape(RouteListSchema, ["routes"]);

/** Actions are routes, or lists of them. */
function decodeHostMatcher(
  message: Matcher,
  fallback: RouteFallback,
  scope: DecodeScope,
): MatchTree<readonly RouteConfig[]> | undefined {
  const routesOf = (routes: readonly Route[], at: (i: number) => DecodeScope): readonly RouteConfig[] =>
    routes.flatMap((route, i) => decodeRoute(route, fallback, at(i)) ?? []);
  const actions: AnyTable<readonly RouteConfig[]> = {
    [RouteSchema.typeName]: messageEntry(RouteSchema, (route, at) => routesOf([route], () => at)),
    [RouteListSchema.typeName]: messageEntry(RouteListSchema, (list, at) => {
      checkShape(ROUTE_LIST_SHAPE, list, at);
      return routesOf(list.routes, (i) => at.field("routes").item(i));
    }),
  };
  return decodeMatcher(message, { inputs: ROUTE_INPUTS, actions }, scope);
}
