import {
  type CorsPolicy as RouteCorsPolicy,
  CorsPolicySchema as RouteCorsPolicySchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";
import {
  type CorsPolicy as FilterCorsPolicy,
  CorsPolicySchema as FilterCorsPolicySchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/cors/v3/cors";
import type { RuntimeShare } from "../../runtime/runtime.ts";
import { runtimeFraction } from "../fraction.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeStringMatch, type StringMatch } from "../string-match.ts";

/** Which other sites' pages may call. */
export interface CorsConfig {
  readonly kind: "cors";
  readonly origins: readonly StringMatch[];
  /** "": the header is not sent. */
  readonly methods: string;
  readonly headers: string;
  readonly expose: string;
  readonly maxAge: string;
  readonly credentials: boolean;
  readonly privateNetwork: boolean;
  readonly forwardOtherPreflights: boolean;
  /** Of requests under the policy. */
  readonly fraction: RuntimeShare;
  /** Of the others, those whose origins are counted, and nothing else. */
  readonly shadow: RuntimeShare;
}

const FIELDS = [
  "allow_origin_string_match",
  "allow_methods",
  "allow_headers",
  "expose_headers",
  "max_age",
  "allow_credentials",
  "filter_enabled",
  "shadow_enabled",
  "allow_private_network_access",
  "forward_not_matching_preflights",
];
export const CORS_SHAPE = shape(FilterCorsPolicySchema, FIELDS);
/** The deprecated place: a field of routes and virtual hosts. */
export const ROUTE_CORS_SHAPE = shape(RouteCorsPolicySchema, FIELDS);

export function decodeCors(message: FilterCorsPolicy, scope: DecodeScope): CorsConfig {
  checkShape(CORS_SHAPE, message, scope);
  return fields(message, runtimeFraction(message.filterEnabled, 1), scope);
}

export function decodeRouteCors(message: RouteCorsPolicy | undefined, scope: DecodeScope): CorsConfig | undefined {
  if (message === undefined) return undefined;
  checkShape(ROUTE_CORS_SHAPE, message, scope);
  const enabled = message.enabledSpecifier;
  return fields(message, enabled.case === "filterEnabled" ? runtimeFraction(enabled.value, 1) : ALWAYS, scope);
}

function fields(message: FilterCorsPolicy | RouteCorsPolicy, fraction: RuntimeShare, scope: DecodeScope): CorsConfig {
  const origins: StringMatch[] = [];
  message.allowOriginStringMatch.forEach((item, i) => {
    const match = decodeStringMatch(item, scope.field("allow_origin_string_match").item(i));
    if (match !== undefined) origins.push(match);
  });
  return {
    kind: "cors",
    origins,
    methods: message.allowMethods,
    headers: message.allowHeaders,
    expose: message.exposeHeaders,
    maxAge: message.maxAge,
    credentials: message.allowCredentials ?? false,
    privateNetwork: message.allowPrivateNetworkAccess ?? false,
    forwardOtherPreflights: message.forwardNotMatchingPreflights ?? true,
    fraction,
    shadow: message.shadowEnabled === undefined ? NEVER : runtimeFraction(message.shadowEnabled, 1),
  };
}

const ALWAYS: RuntimeShare = { key: "", base: 1 };
const NEVER: RuntimeShare = { key: "", base: 0 };
