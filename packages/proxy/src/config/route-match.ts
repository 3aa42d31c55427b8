import { RouteMatch_TlsContextMatchOptionsSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { UriTemplateMatchConfigSchema } from "@heddle/xds-api/envoy/extensions/path/match/uri_template/v3/uri_template_match";
import type { RuntimeShare } from "../runtime/runtime.ts";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { runtimeFraction } from "./fraction.ts";
import { decodeHeaderMatch, type HeaderMatch } from "./header-match.ts";
import { type QueryParameterMatcher, type RouteMatch, RouteMatchSchema } from "./proto.ts";
import { compileFullMatch, type FullMatch, overBytes } from "./regex.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeStringMatch, type StringMatch } from "./string-match.ts";
import { compileUriTemplate, type UriTemplate } from "./uri-template.ts";
import { decodeMetadataMatch, type MetadataMatch } from "./value-match.ts";
import { bytesOfText } from "./wire-text.ts";

export type PathMatch =
  | { readonly kind: "prefix" | "exact" | "separated-prefix"; readonly text: string }
  | { readonly kind: "regex"; readonly regex: FullMatch }
  | { readonly kind: "template"; readonly template: UriTemplate }
  | { readonly kind: "connect" };

export interface QueryMatch {
  readonly name: string;
  /** Undefined: presence alone decides. */
  readonly match: StringMatch | undefined;
  readonly present: boolean;
}

/** When a route applies. */
export interface RouteMatchConfig {
  readonly path: PathMatch;
  readonly caseSensitive: boolean;
  readonly headers: readonly HeaderMatch[];
  readonly query: readonly QueryMatch[];
  readonly grpc: boolean;
  /** Share of requests that match, 0…1; undefined for all. */
  readonly fraction: RuntimeShare | undefined;
  /** Undefined: the request alone decides. */
  readonly around: AroundRequest | undefined;
}

/** Conditions on what a request came over, and on what filters found of it. */
export interface AroundRequest {
  /** Whether the client showed a certificate; undefined: no matter. */
  readonly presented: boolean | undefined;
  /** Whether the listener's roots or pins cover it. */
  readonly validated: boolean | undefined;
  /** All must hold. Filters run behind the choice of a route, so those count that choose again. */
  readonly metadata: readonly MetadataMatch[];
}

export const ROUTE_MATCH_SHAPE = shape(RouteMatchSchema, [
  "prefix",
  "path",
  "safe_regex",
  "connect_matcher",
  "path_separated_prefix",
  "case_sensitive",
  "runtime_fraction",
  "headers",
  "query_parameters",
  "grpc",
  "path_match_policy",
  "tls_context",
  "dynamic_metadata",
]);
export const ROUTE_TLS_SHAPE = shape(RouteMatch_TlsContextMatchOptionsSchema, ["presented", "validated"]);

export function decodeRouteMatch(message: RouteMatch | undefined, scope: DecodeScope): RouteMatchConfig | undefined {
  if (message === undefined) {
    scope.problem("a route needs a match");
    return undefined;
  }
  checkShape(ROUTE_MATCH_SHAPE, message, scope);
  const caseSensitive = message.caseSensitive ?? true;
  const path = decodePath(message, caseSensitive, scope);
  const headers: HeaderMatch[] = [];
  message.headers.forEach((header, i) => {
    const match = decodeHeaderMatch(header, scope.field("headers").item(i));
    if (match !== undefined) headers.push(match);
  });
  const query: QueryMatch[] = [];
  message.queryParameters.forEach((parameter, i) => {
    const match = decodeQuery(parameter, scope.field("query_parameters").item(i));
    if (match !== undefined) query.push(match);
  });
  if (path === undefined) return undefined;
  const fraction = message.runtimeFraction && runtimeFraction(message.runtimeFraction, 1);
  const around = decodeAround(message, scope);
  return { path, caseSensitive, headers, query, grpc: message.grpc !== undefined, fraction, around };
}

function decodeAround({ tlsContext, dynamicMetadata }: RouteMatch, scope: DecodeScope): AroundRequest | undefined {
  if (tlsContext !== undefined) checkShape(ROUTE_TLS_SHAPE, tlsContext, scope.field("tls_context"));
  const metadata = dynamicMetadata.flatMap(
    (item, i) => decodeMetadataMatch(item, scope.field("dynamic_metadata").item(i)) ?? [],
  );
  const { presented, validated } = tlsContext ?? {};
  if (presented === undefined && validated === undefined && metadata.length === 0) return undefined;
  return { presented, validated, metadata };
}

const PATH_POLICIES: AnyTable<UriTemplate> = {
  [UriTemplateMatchConfigSchema.typeName]: messageEntry(UriTemplateMatchConfigSchema, (message, scope) =>
    compileUriTemplate(message.pathTemplate, scope.field("path_template")),
  ),
};

function decodePath(message: RouteMatch, caseSensitive: boolean, scope: DecodeScope): PathMatch | undefined {
  const specifier = message.pathSpecifier;
  const bytes = (text: string) => (caseSensitive ? bytesOfText(text) : bytesOfText(text).toLowerCase());
  switch (specifier.case) {
    case "prefix":
      return { kind: "prefix", text: bytes(specifier.value) };
    case "path":
      return { kind: "exact", text: bytes(specifier.value) };
    case "pathSeparatedPrefix":
      return { kind: "separated-prefix", text: bytes(specifier.value) };
    case "safeRegex": {
      const regex = compileFullMatch(specifier.value.regex, scope.field("safe_regex.regex"));
      return regex && { kind: "regex", regex: overBytes(regex) };
    }
    case "connectMatcher":
      return { kind: "connect" };
    case "pathMatchPolicy": {
      const at = scope.field("path_match_policy.typed_config");
      const template = decodeAny(specifier.value.typedConfig, PATH_POLICIES, at);
      return template === undefined ? undefined : { kind: "template", template };
    }
    case undefined:
      scope.problem("a route match needs one of prefix, path, safe_regex, path_separated_prefix, connect_matcher");
      return undefined;
  }
}

/** One condition on a query parameter. */
export function decodeQuery(message: QueryParameterMatcher, scope: DecodeScope): QueryMatch | undefined {
  const specifier = message.queryParameterMatchSpecifier;
  if (specifier.case === "stringMatch") {
    const match = decodeStringMatch(specifier.value, scope.field("string_match"), "bytes");
    return match && { name: bytesOfText(message.name), match, present: true };
  }
  return {
    name: bytesOfText(message.name),
    match: undefined,
    present: specifier.case === "presentMatch" ? specifier.value : true,
  };
}
