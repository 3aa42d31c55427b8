import {
  type JwtAuthentication,
  JwtAuthenticationSchema,
  type JwtProvider,
  JwtProviderSchema,
  type JwtRequirement,
  type PerRouteConfig,
  type RemoteJwks,
  RemoteJwksSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/jwt_authn/v3/config";
import { decodeDataText } from "../data-source.ts";
import { decodeDuration } from "../duration-field.ts";
import { decodeRouteMatch, type RouteMatchConfig } from "../route-match.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeStringMatch, type StringMatch } from "../string-match.ts";

/** Where the keys of an issuer come from. */
export type JwksSource =
  | { readonly kind: "local"; readonly text: string }
  | {
      readonly kind: "remote";
      readonly uri: string;
      readonly cluster: string;
      readonly timeoutMs: number;
      readonly cacheMs: number;
    };

export interface JwtProviderConfig {
  readonly name: string;
  /** "": any. */
  readonly issuer: string;
  /** Empty: any. */
  readonly audiences: readonly string[];
  readonly jwks: JwksSource;
  /** The token goes on to the upstream. */
  readonly forward: boolean;
  readonly fromHeaders: readonly { readonly name: string; readonly prefix: string }[];
  readonly fromParams: readonly string[];
  readonly fromCookies: readonly string[];
  readonly payloadHeader: string;
  readonly padPayload: boolean;
  readonly payloadInMetadata: string;
  readonly headerInMetadata: string;
  /** Why a token does not count is left under this name; "": nowhere. */
  readonly failureInMetadata: string;
  /** Claims whose text becomes a list in metadata, split at spaces. */
  readonly splitClaims: readonly string[];
  readonly clockSkewSeconds: number;
  readonly claimHeaders: readonly { readonly header: string; readonly claim: readonly string[] }[];
  readonly requireExpiration: boolean;
  readonly clearRoute: boolean;
  /** Undefined: any. */
  readonly subjects: StringMatch | undefined;
  /** Longest time until the token expires; undefined: any. Units: s. */
  readonly maxLifetimeSeconds: number | undefined;
}

export type JwtRequirementConfig =
  | { readonly kind: "provider"; readonly name: string; readonly audiences: readonly string[] | undefined }
  | { readonly kind: "any" | "all"; readonly list: readonly JwtRequirementConfig[] }
  | { readonly kind: "allow-missing" | "allow-missing-or-failed" };

export interface JwtAuthnConfig {
  readonly kind: "jwt-authn";
  readonly providers: ReadonlyMap<string, JwtProviderConfig>;
  /** The first that matches counts; a rule without requirement lets everyone in. */
  readonly rules: readonly {
    readonly match: RouteMatchConfig;
    readonly requirement: JwtRequirementConfig | undefined;
  }[];
  readonly named: ReadonlyMap<string, JwtRequirementConfig>;
  readonly bypassCors: boolean;
  readonly stripFailure: boolean;
}

/** What a route says instead of the rules. */
export interface JwtRouteConfig {
  readonly kind: "jwt-route";
  readonly disabled: boolean;
  readonly requirement: string;
}

export const JWT_AUTHN_SHAPE = shape(
  JwtAuthenticationSchema,
  ["providers", "rules", "bypass_cors_preflight", "requirement_map", "strip_failure_response"],
  {},
  { filter_state_rules: "filter state is not kept for matching" },
);
export const JWT_PROVIDER_SHAPE = shape(
  JwtProviderSchema,
  [
    "issuer",
    "audiences",
    "remote_jwks",
    "local_jwks",
    "forward",
    "from_headers",
    "from_params",
    "from_cookies",
    "forward_payload_header",
    "pad_forward_payload_header",
    "payload_in_metadata",
    "header_in_metadata",
    "clock_skew_seconds",
    "claim_to_headers",
    "require_expiration",
    "clear_route_cache",
    "subjects",
    "max_lifetime",
    "normalize_payload_in_metadata",
    "failed_status_in_metadata",
  ],
  { jwt_cache_config: "tuning of Envoy's memory of tokens that it verified; here each is verified" },
);
export const REMOTE_JWKS_SHAPE = shape(
  RemoteJwksSchema,
  ["http_uri", "cache_duration"],
  {},
  {
    async_fetch: "keys are fetched when they are first needed, and kept",
    retry_policy: "the next request fetches again",
  },
);

export function decodeJwtAuthn(message: JwtAuthentication, scope: DecodeScope): JwtAuthnConfig {
  checkShape(JWT_AUTHN_SHAPE, message, scope);
  const providers = new Map<string, JwtProviderConfig>();
  for (const [name, provider] of Object.entries(message.providers)) {
    const decoded = decodeProvider(name, provider, scope.field("providers").item(name));
    if (decoded !== undefined) providers.set(name, decoded);
  }
  const requirement = (item: JwtRequirement, at: DecodeScope) => decodeRequirement(item, message.providers, at);
  const named = new Map<string, JwtRequirementConfig>();
  for (const [name, item] of Object.entries(message.requirementMap)) {
    const decoded = requirement(item, scope.field("requirement_map").item(name));
    if (decoded !== undefined) named.set(name, decoded);
  }
  const rules: JwtAuthnConfig["rules"][number][] = [];
  message.rules.forEach((rule, i) => {
    const at = scope.field("rules").item(i);
    const match = decodeRouteMatch(rule.match, at.field("match"));
    const type = rule.requirementType;
    let wanted: JwtRequirementConfig | undefined;
    if (type.case === "requires") wanted = requirement(type.value, at.field("requires"));
    else if (type.case === "requirementName") {
      wanted = named.get(type.value);
      if (wanted === undefined) at.field("requirement_name").problem(`there is no requirement ${type.value}`);
    }
    if (match !== undefined) rules.push({ match, requirement: wanted });
  });
  return {
    kind: "jwt-authn",
    providers,
    rules,
    named,
    bypassCors: message.bypassCorsPreflight,
    stripFailure: message.stripFailureResponse,
  };
}

export function decodeJwtRoute(message: PerRouteConfig): JwtRouteConfig {
  const specifier = message.requirementSpecifier;
  return {
    kind: "jwt-route",
    disabled: specifier.case === "disabled" && specifier.value,
    requirement: specifier.case === "requirementName" ? specifier.value : "",
  };
}

function decodeProvider(name: string, message: JwtProvider, scope: DecodeScope): JwtProviderConfig | undefined {
  checkShape(JWT_PROVIDER_SHAPE, message, scope);
  const lifetimeMs = decodeDuration(message.maxLifetime, scope.field("max_lifetime"));
  const jwks = decodeJwks(message, scope);
  if (jwks === undefined) return undefined;
  const anywhere = message.fromHeaders.length + message.fromParams.length + message.fromCookies.length === 0;
  return {
    name,
    issuer: message.issuer,
    audiences: message.audiences,
    jwks,
    forward: message.forward,
    fromHeaders: anywhere
      ? [{ name: "authorization", prefix: "Bearer " }]
      : message.fromHeaders.map((h) => ({ name: h.name.toLowerCase(), prefix: h.valuePrefix })),
    fromParams: anywhere ? ["access_token"] : message.fromParams,
    fromCookies: message.fromCookies,
    payloadHeader: message.forwardPayloadHeader.toLowerCase(),
    padPayload: message.padForwardPayloadHeader,
    payloadInMetadata: message.payloadInMetadata,
    headerInMetadata: message.headerInMetadata,
    failureInMetadata: message.failedStatusInMetadata,
    splitClaims: message.normalizePayloadInMetadata?.spaceDelimitedClaims ?? [],
    clockSkewSeconds: message.clockSkewSeconds || 60,
    claimHeaders: message.claimToHeaders.map((c) => ({
      header: c.headerName.toLowerCase(),
      claim: c.claimName.split("."),
    })),
    requireExpiration: message.requireExpiration,
    clearRoute: message.clearRouteCache,
    subjects: message.subjects === undefined ? undefined : decodeStringMatch(message.subjects, scope.field("subjects")),
    maxLifetimeSeconds: lifetimeMs === undefined ? undefined : lifetimeMs / 1000,
  };
}

function decodeJwks(message: JwtProvider, scope: DecodeScope): JwksSource | undefined {
  const source = message.jwksSourceSpecifier;
  switch (source.case) {
    case "localJwks": {
      const text = decodeDataText(source.value, scope.field("local_jwks"));
      return text === undefined ? undefined : { kind: "local", text };
    }
    case "remoteJwks":
      return decodeRemote(source.value, scope.field("remote_jwks"));
    case undefined:
      scope.problem("a JWT provider needs remote_jwks or local_jwks");
      return undefined;
  }
}

function decodeRemote(message: RemoteJwks, scope: DecodeScope): JwksSource | undefined {
  checkShape(REMOTE_JWKS_SHAPE, message, scope);
  const uri = message.httpUri;
  if (uri === undefined || uri.httpUpstreamType.case !== "cluster" || !/^https?:\/\/[^/]/i.test(uri.uri)) {
    scope
      .field("http_uri")
      .problem("the keys' address needs a uri that begins with http:// or https://, and a cluster");
    return undefined;
  }
  return {
    kind: "remote",
    uri: uri.uri,
    cluster: uri.httpUpstreamType.value,
    timeoutMs: decodeDuration(uri.timeout, scope.field("http_uri.timeout")) ?? 5000,
    cacheMs: decodeDuration(message.cacheDuration, scope.field("cache_duration")) ?? 600_000,
  };
}

function decodeRequirement(
  message: JwtRequirement,
  providers: Readonly<Record<string, JwtProvider>>,
  scope: DecodeScope,
): JwtRequirementConfig | undefined {
  const type = message.requiresType;
  const known = (name: string) => {
    if (providers[name] === undefined) scope.problem(`there is no provider ${name}`);
    return name;
  };
  const several = (kind: "any" | "all", items: readonly JwtRequirement[]): JwtRequirementConfig => {
    const list: JwtRequirementConfig[] = [];
    items.forEach((item, i) => {
      const decoded = decodeRequirement(item, providers, scope.field("requirements").item(i));
      if (decoded !== undefined) list.push(decoded);
    });
    return { kind, list };
  };
  switch (type.case) {
    case "providerName":
      return { kind: "provider", name: known(type.value), audiences: undefined };
    case "providerAndAudiences":
      return { kind: "provider", name: known(type.value.providerName), audiences: type.value.audiences };
    case "requiresAny":
      return several("any", type.value.requirements);
    case "requiresAll":
      return several("all", type.value.requirements);
    case "allowMissing":
      return { kind: "allow-missing" };
    case "allowMissingOrFailed":
      return { kind: "allow-missing-or-failed" };
    case undefined:
      return undefined;
  }
}
