import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { HttpMatch, ObjectRef } from "@heddle/config";
import type { Located, MeshSettings, OutboundView, RoutedHttp, RoutingRule } from "@heddle/model";
import type { RouteActionSchema, RouteSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { noTimeout, protoDuration } from "../proto-duration.ts";
import { provenance } from "../provenance.ts";
import { destinationCluster } from "./destination-cluster.ts";
import { corsConfig, faultConfig, fraction } from "./fault-and-cors.ts";
import { hashPolicies } from "./hash-policy.ts";
import { headerChanges, hostOverride } from "./header-operations.ts";
import { ownProtocols } from "./own-protocols.ts";
import { redirectAction } from "./redirect.ts";
import { retryPolicy } from "./retry-policy.ts";
import { routeMatch } from "./route-match.ts";

type Route = MessageInitShape<typeof RouteSchema>;
type RouteAction = MessageInitShape<typeof RouteActionSchema>;

/** What routes depend on, beside their rule: of services and policies only those that the rule names. */
export type RouteView = Pick<OutboundView, "policies" | "services"> & {
  readonly settings: Pick<MeshSettings, "mesh">;
};

/** The routes of a rule for one port, in the rule's order; each match is a route of its own. */
export function httpRoutes(view: RouteView, rule: RoutingRule, port: number): Route[] {
  return rule.http.flatMap((route) => {
    const matches = route.match.filter((match) => match.port === undefined || match.port === port);
    if (route.match.length > 0 && matches.length === 0) return [];
    const conditions: readonly (Located<HttpMatch> | undefined)[] = matches.length > 0 ? matches : [undefined];
    return conditions.map((match) => httpRoute(view, route, match, port, rule.sources));
  });
}

function httpRoute(
  view: RouteView,
  route: RoutedHttp,
  match: Located<HttpMatch> | undefined,
  port: number,
  sources: readonly ObjectRef[],
): Route {
  const fault = faultConfig(route.fault);
  const cors = corsConfig(route.corsPolicy);
  const [only, ...others] = route.route;
  const perFilter: Record<string, Any> = {
    ...(only === undefined || others.length > 0 ? {} : protocolsOf(view, only, port)),
    ...(fault === undefined ? {} : { "envoy.filters.http.fault": fault }),
    ...(cors === undefined ? {} : { "envoy.filters.http.cors": cors }),
  };
  return {
    name: [route.name, match?.name].filter((part) => part !== undefined && part !== "").join(".") || "default",
    match: routeMatch(match),
    ...(match?.statPrefix === undefined ? {} : { statPrefix: match.statPrefix }),
    action: actionOf(view, route, match, port),
    typedPerFilterConfig: perFilter,
    ...headerChanges(route.headers),
    metadata: routeMetadata(route, provenance(sources, { route: match?.at ?? route.at })),
  };
}

/** What counts as a failure on this route; the built-in proxy counts routes by it. */
function routeMetadata({ statusClasses = [] }: RoutedHttp, origin: ReturnType<typeof provenance>) {
  if (statusClasses.length === 0) return origin;
  const classes = statusClasses.map(({ min, max, failure }) => ({ min, max, failure }));
  return { filterMetadata: { ...origin.filterMetadata, "heddle.route": { statusClasses: classes } } };
}

function actionOf(
  view: RouteView,
  route: RoutedHttp,
  match: HttpMatch | undefined,
  port: number,
): NonNullable<Route["action"]> {
  if (route.redirect !== undefined) return { case: "redirect", value: redirectAction(route.redirect, match, port) };
  if (route.directResponse !== undefined) {
    const { status, body } = route.directResponse;
    const source =
      body?.bytes !== undefined
        ? { case: "inlineBytes" as const, value: new Uint8Array(Buffer.from(body.bytes, "base64")) }
        : { case: "inlineString" as const, value: body?.string ?? "" };
    return {
      case: "directResponse",
      value: { status, ...(body === undefined ? {} : { body: { specifier: source } }) },
    };
  }
  return { case: "route", value: routeAction(view, route, match, port) };
}

function routeAction(view: RouteView, route: RoutedHttp, match: HttpMatch | undefined, port: number): RouteAction {
  const [first, ...others] = route.route;
  const clusterOf = (entry: (typeof route.route)[number]): string => destinationCluster(view, entry.destination, port);
  const mirrors = [
    ...(route.mirror === undefined
      ? []
      : [{ destination: route.mirror, percentage: route.mirrorPercentage ?? { value: route.mirrorPercent ?? 100 } }]),
    ...route.mirrors.map((entry) => ({
      destination: entry.destination,
      percentage: entry.percentage ?? { value: 100 },
    })),
  ];
  const retries = retryPolicy(view.settings.mesh, route.retries, route.retriableGrpc);
  const single = first !== undefined && others.length === 0;
  const authority =
    route.rewrite?.authority ?? hostOverride(route.headers) ?? (single ? hostOverride(first.headers) : undefined);
  return {
    clusterSpecifier: single
      ? // Header changes of the only destination need the weighted form, which has a place for them.
        first.headers === undefined
        ? { case: "cluster", value: clusterOf(first) }
        : { case: "weightedClusters", value: { clusters: [weighted(view, first, port, 1)] } }
      : {
          case: "weightedClusters",
          value: { clusters: route.route.map((entry) => weighted(view, entry, port, entry.weight)) },
        },
    timeout: route.timeout === undefined ? noTimeout : protoDuration(route.timeout),
    maxStreamDuration: grpcLimit(route.timeout),
    ...(retries === undefined ? {} : { retryPolicy: retries }),
    requestMirrorPolicies: mirrors.map(({ destination, percentage }) => ({
      cluster: destinationCluster(view, destination, port),
      runtimeFraction: { defaultValue: fraction(percentage.value) },
    })),
    ...(first === undefined
      ? {}
      : {
          hashPolicy: hashPolicies(
            view,
            first.destination.host,
            first.destination.port?.number ?? port,
            first.destination.subset,
          ),
        }),
    ...rewriteOf(route, match),
    ...(authority === undefined ? {} : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: authority } }),
  };
}

function grpcLimit(timeout: number | undefined): NonNullable<RouteAction["maxStreamDuration"]> {
  const limit = timeout === undefined ? noTimeout : protoDuration(timeout);
  return { maxStreamDuration: limit, grpcTimeoutHeaderMax: limit };
}

function weighted(view: RouteView, entry: RoutedHttp["route"][number], port: number, weight: number) {
  return {
    name: destinationCluster(view, entry.destination, port),
    weight,
    typedPerFilterConfig: protocolsOf(view, entry, port),
    ...headerChanges(entry.headers),
  };
}

function protocolsOf(view: RouteView, { destination }: RoutedHttp["route"][number], port: number) {
  return ownProtocols(view, destination.host, destination.port?.number ?? port, destination.subset);
}

function rewriteOf(
  route: RoutedHttp,
  match: HttpMatch | undefined,
): Pick<RouteAction, "prefixRewrite" | "regexRewrite"> {
  const { rewrite } = route;
  if (rewrite?.uriRegexRewrite !== undefined) {
    return {
      regexRewrite: {
        pattern: { regex: rewrite.uriRegexRewrite.match },
        substitution: rewrite.uriRegexRewrite.rewrite,
      },
    };
  }
  if (rewrite?.uri === undefined) return {};
  // Where the path was matched by a regular expression there is no prefix: the matched part is replaced.
  if (match?.uri?.regex !== undefined)
    return { regexRewrite: { pattern: { regex: match.uri.regex }, substitution: rewrite.uri } };
  return { prefixRewrite: rewrite.uri };
}
