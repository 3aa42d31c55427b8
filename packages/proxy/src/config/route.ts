import type { JsonObject } from "@bufbuild/protobuf";
import { DecoratorSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { decodeDataText } from "./data-source.ts";
import { decodeRouteCors } from "./filters/cors.ts";
import { decodeRouteFilters, type RouteFilters, withCors } from "./filters/per-route.ts";
import { decodeHeaderMutations, type HeaderMutations } from "./header-mutation.ts";
import {
  type DirectResponseAction,
  type RedirectAction,
  RedirectAction_RedirectResponseCode,
  type Route,
  RouteSchema,
} from "./proto.ts";
import { compileRewrite, type RegexRewrite } from "./regex.ts";
import { type ResourceSource, sourceOf } from "./resource-source.ts";
import { decodeForward, type ForwardAction, type RouteFallback } from "./route-action.ts";
import { decodeRouteMatch, type RouteMatchConfig } from "./route-match.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeRouteTracing, type RouteTracing } from "./tracing.ts";

export interface RedirectConfig {
  readonly kind: "redirect";
  readonly status: number;
  readonly scheme: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path:
    | { readonly kind: "full" | "prefix"; readonly text: string }
    | { readonly kind: "regex"; readonly rewrite: RegexRewrite }
    | undefined;
  readonly stripQuery: boolean;
}

export interface DirectResponseConfig {
  readonly kind: "direct";
  readonly status: number;
  readonly body: string;
}

export type RouteActionConfig = ForwardAction | RedirectConfig | DirectResponseConfig;

/** One rule of a virtual host. */
export interface RouteConfig {
  readonly name: string;
  readonly match: RouteMatchConfig;
  readonly action: RouteActionConfig;
  readonly mutations: HeaderMutations | undefined;
  /** Undefined: nothing of its own. */
  readonly filters: RouteFilters | undefined;
  /** Body kept for another try; undefined: the virtual host decides. Units: bytes. */
  readonly bufferBytes: number | undefined;
  /** Name of the operation for traces. */
  readonly operation: string;
  /** The same, where neighbours are told of it; "": they are not. */
  readonly toldOperation: string;
  /** Name under which its statistics are kept; "": none are. */
  readonly statPrefix: string;
  readonly tracing: RouteTracing | undefined;
  readonly source: ResourceSource;
  /** By filter name, as configured; undefined: none. */
  readonly metadata: Readonly<Record<string, JsonObject>> | undefined;
}

export const DECORATOR_SHAPE = shape(DecoratorSchema, ["operation", "propagate"]);

export const ROUTE_SHAPE = shape(
  RouteSchema,
  [
    "name",
    "match",
    "route",
    "redirect",
    "direct_response",
    "metadata",
    "decorator",
    "tracing",
    "request_headers_to_add",
    "request_headers_to_remove",
    "response_headers_to_add",
    "response_headers_to_remove",
    "typed_per_filter_config",
    "per_request_buffer_limit_bytes",
    "stat_prefix",
  ],
  {},
  {
    "filter_action non_forwarding_action": "a route forwards, redirects or answers",
  },
  { inside: { decorator: DECORATOR_SHAPE } },
);

export function decodeRoute(message: Route, fallback: RouteFallback, scope: DecodeScope): RouteConfig | undefined {
  checkShape(ROUTE_SHAPE, message, scope);
  const match = decodeRouteMatch(message.match, scope.field("match"));
  const action = decodeAction(message, match, fallback, scope);
  const mutations = decodeHeaderMutations(message, scope);
  if (match === undefined || action === undefined) return undefined;
  return {
    name: message.name,
    match,
    action,
    mutations,
    filters: withCors(
      decodeRouteFilters(message.typedPerFilterConfig, scope.field("typed_per_filter_config")),
      message.action.case === "route"
        ? decodeRouteCors(message.action.value.cors, scope.field("route.cors"))
        : undefined,
    ),
    bufferBytes: message.perRequestBufferLimitBytes,
    statPrefix: message.statPrefix,
    operation: message.decorator?.operation ?? "",
    toldOperation: message.decorator?.propagate === false ? "" : (message.decorator?.operation ?? ""),
    tracing: decodeRouteTracing(message.tracing, scope.field("tracing")),
    source: sourceOf(message.metadata),
    metadata: message.metadata?.filterMetadata,
  };
}

function decodeAction(
  message: Route,
  match: RouteMatchConfig | undefined,
  fallback: RouteFallback,
  scope: DecodeScope,
): RouteActionConfig | undefined {
  switch (message.action.case) {
    case "route":
      return decodeForward(message.action.value, match, fallback, scope.field("route"));
    case "redirect":
      return decodeRedirect(message.action.value, scope.field("redirect"));
    case "directResponse":
      return decodeDirect(message.action.value, fallback.maxDirectBytes, scope.field("direct_response"));
    case undefined:
      scope.problem("a route needs one of route, redirect, direct_response");
      return undefined;
    default:
      return undefined;
  }
}

const REDIRECT_STATUS: ReadonlyMap<RedirectAction_RedirectResponseCode, number> = new Map([
  [RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY, 301],
  [RedirectAction_RedirectResponseCode.FOUND, 302],
  [RedirectAction_RedirectResponseCode.SEE_OTHER, 303],
  [RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT, 307],
  [RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT, 308],
]);

function decodeRedirect(message: RedirectAction, scope: DecodeScope): RedirectConfig {
  const scheme = message.schemeRewriteSpecifier;
  const rewrite = message.pathRewriteSpecifier;
  let path: RedirectConfig["path"];
  if (rewrite.case === "pathRedirect") path = { kind: "full", text: rewrite.value };
  else if (rewrite.case === "prefixRewrite") path = { kind: "prefix", text: rewrite.value };
  else if (rewrite.case === "regexRewrite") {
    const { pattern, substitution } = rewrite.value;
    const compiled = compileRewrite(pattern?.regex ?? "", substitution, scope.field("regex_rewrite.pattern.regex"));
    if (compiled !== undefined) path = { kind: "regex", rewrite: compiled };
  }
  return {
    kind: "redirect",
    status: REDIRECT_STATUS.get(message.responseCode) ?? 301,
    scheme:
      scheme.case === "httpsRedirect"
        ? scheme.value
          ? "https"
          : undefined
        : scheme.case === "schemeRedirect"
          ? scheme.value
          : undefined,
    host: message.hostRedirect === "" ? undefined : message.hostRedirect,
    port: message.portRedirect === 0 ? undefined : message.portRedirect,
    path,
    stripQuery: message.stripQuery,
  };
}

/** Errors: a status that ends nothing, a body above the limit of its route configuration. */
function decodeDirect(message: DirectResponseAction, maxBytes: number, scope: DecodeScope): DirectResponseConfig {
  if (message.status < 200 || message.status > 599)
    scope.field("status").problem(`${message.status} is not a final status (200 to 599)`);
  const body = message.body === undefined ? "" : (decodeDataText(message.body, scope.field("body")) ?? "");
  const bytes = Buffer.byteLength(body);
  if (bytes > maxBytes)
    scope
      .field("body")
      .problem(`has ${bytes} bytes, above max_direct_response_body_size_bytes of its route configuration, ${maxBytes}`);
  return { kind: "direct", status: message.status, body };
}
