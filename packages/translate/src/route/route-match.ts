import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HttpMatch, StringMatch } from "@heddle/config";
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";
import type { StringMatcherSchema } from "@heddle/xds-api/envoy/type/matcher/v3/string";

type RouteMatch = MessageInitShape<typeof RouteMatchSchema>;
type HeaderMatcher = MessageInitShape<typeof HeaderMatcherSchema>;
type StringMatcher = MessageInitShape<typeof StringMatcherSchema>;

/** The conditions of one `match`, or of a route without any. */
export function routeMatch(match: HttpMatch | undefined): RouteMatch {
  if (match === undefined) return { pathSpecifier: { case: "prefix", value: "/" } };
  const headers: HeaderMatcher[] = [
    ...pseudo(":method", match.method),
    ...pseudo(":authority", match.authority),
    ...pseudo(":scheme", match.scheme),
    // Conditions on the request line have fields of their own; in the map they are ignored, as Istio documents.
    ...Object.entries(match.headers)
      .filter(([name]) => !isPseudo(name))
      .map(([name, value]) => headerMatch(name, value)),
    ...Object.entries(match.withoutHeaders)
      .filter(([name]) => !isPseudo(name))
      .map(([name, value]) => ({
        ...headerMatch(name, value),
        invertMatch: true,
        // A header that is not there does not have the value, either.
        treatMissingHeaderAsEmpty: !isPresence(value),
      })),
  ];
  return {
    pathSpecifier: pathOf(match.uri),
    ...(match.ignoreUriCase ? { caseSensitive: false } : {}),
    headers,
    queryParameters: Object.entries(match.queryParams).map(([name, value]) => queryMatch(name, value)),
  };
}

function pathOf(uri: StringMatch | undefined): NonNullable<RouteMatch["pathSpecifier"]> {
  if (uri?.exact !== undefined) return { case: "path", value: uri.exact };
  if (uri?.regex !== undefined) return { case: "safeRegex", value: { regex: uri.regex } };
  return { case: "prefix", value: uri?.prefix ?? "/" };
}

function isPseudo(name: string): boolean {
  return name === "uri" || name === "scheme" || name === "method" || name === "authority";
}

function isPresence(match: StringMatch): boolean {
  return match.exact === undefined && match.prefix === undefined && match.regex === undefined;
}

function pseudo(name: string, match: StringMatch | undefined): HeaderMatcher[] {
  return match === undefined ? [] : [headerMatch(name, match)];
}

function headerMatch(name: string, match: StringMatch): HeaderMatcher {
  if (isPresence(match)) return { name, headerMatchSpecifier: { case: "presentMatch", value: true } };
  return { name, headerMatchSpecifier: { case: "stringMatch", value: stringMatcher(match) } };
}

function queryMatch(name: string, match: StringMatch): MessageInitShape<typeof QueryParameterMatcherSchema> {
  if (isPresence(match)) return { name, queryParameterMatchSpecifier: { case: "presentMatch", value: true } };
  return { name, queryParameterMatchSpecifier: { case: "stringMatch", value: stringMatcher(match) } };
}

export function stringMatcher(match: StringMatch): StringMatcher {
  if (match.exact !== undefined) return { matchPattern: { case: "exact", value: match.exact } };
  if (match.prefix !== undefined) return { matchPattern: { case: "prefix", value: match.prefix } };
  return { matchPattern: { case: "safeRegex", value: { regex: match.regex ?? ".*" } } };
}
