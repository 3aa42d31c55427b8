import type { Any } from "@bufbuild/protobuf/wkt";
import { type FilterConfig, FilterConfigSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { BufferPerRouteSchema } from "@heddle/xds-api/envoy/extensions/filters/http/buffer/v3/buffer";
import { CompressorPerRouteSchema } from "@heddle/xds-api/envoy/extensions/filters/http/compressor/v3/compressor";
import { CorsPolicySchema } from "@heddle/xds-api/envoy/extensions/filters/http/cors/v3/cors";
import { ExtAuthzPerRouteSchema } from "@heddle/xds-api/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import { ExtProcPerRouteSchema } from "@heddle/xds-api/envoy/extensions/filters/http/ext_proc/v3/ext_proc";
import { HTTPFaultSchema } from "@heddle/xds-api/envoy/extensions/filters/http/fault/v3/fault";
import { HeaderMutationPerRouteSchema } from "@heddle/xds-api/envoy/extensions/filters/http/header_mutation/v3/header_mutation";
import { PerRouteConfigSchema } from "@heddle/xds-api/envoy/extensions/filters/http/jwt_authn/v3/config";
import { LocalRateLimitSchema } from "@heddle/xds-api/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit";
import { RateLimitPerRouteSchema } from "@heddle/xds-api/envoy/extensions/filters/http/ratelimit/v3/rate_limit";
import { RBACPerRouteSchema } from "@heddle/xds-api/envoy/extensions/filters/http/rbac/v3/rbac";
import { type AnyTable, decodeAny, messageEntry } from "../any-field.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { type BufferConfig, decodeBufferRoute } from "./buffer.ts";
import { type CompressorRouteConfig, decodeCompressorRoute } from "./compressor.ts";
import { type CorsConfig, decodeCors } from "./cors.ts";
import { decodeExtAuthzRoute, type ExtAuthzRouteConfig } from "./ext-authz.ts";
import { decodeExtProcRoute, type ExtProcRouteConfig } from "./ext-proc.ts";
import { decodeFault, type FaultConfig } from "./fault.ts";
import { decodeMutations, type HeaderMutationConfig } from "./header-mutation.ts";
import { decodeJwtRoute, type JwtRouteConfig } from "./jwt-authn.ts";
import { LAYERED_ROUTES, type LayeredRouteConfig } from "./layered-filters.ts";
import { decodeLocalRateLimit, type LocalRateLimitConfig } from "./local-rate-limit.ts";
import { decodeRateLimitRoute, type RateLimitRouteConfig } from "./rate-limit.ts";
import { decodeRbacPerRoute, type RbacFilterConfig } from "./rbac.ts";

/** Configuration of a filter for one route, virtual host or table. */
export type RouteFilterConfig =
  | BufferConfig
  | CorsConfig
  | FaultConfig
  | LocalRateLimitConfig
  | HeaderMutationConfig
  | RbacFilterConfig
  | JwtRouteConfig
  | ExtAuthzRouteConfig
  | ExtProcRouteConfig
  | RateLimitRouteConfig
  | CompressorRouteConfig
  | LayeredRouteConfig;

/** What a level of the routes says of a filter. */
export interface RouteFilter {
  /** Undefined: what the filter itself says holds. */
  readonly config: RouteFilterConfig | undefined;
  /** Undefined: as the filter itself. */
  readonly disabled: boolean | undefined;
}

/** By filter name. */
export type RouteFilters = ReadonlyMap<string, RouteFilter>;

export const ROUTE_FILTER_SHAPE = shape(FilterConfigSchema, ["config", "is_optional", "disabled"]);

export const ROUTE_FILTERS: AnyTable<RouteFilterConfig> = {
  [BufferPerRouteSchema.typeName]: messageEntry(BufferPerRouteSchema, decodeBufferRoute),
  [CompressorPerRouteSchema.typeName]: messageEntry(CompressorPerRouteSchema, decodeCompressorRoute),
  [CorsPolicySchema.typeName]: messageEntry(CorsPolicySchema, decodeCors),
  [HTTPFaultSchema.typeName]: messageEntry(HTTPFaultSchema, decodeFault),
  [LocalRateLimitSchema.typeName]: messageEntry(LocalRateLimitSchema, decodeLocalRateLimit),
  [HeaderMutationPerRouteSchema.typeName]: messageEntry(HeaderMutationPerRouteSchema, (message, scope) =>
    decodeMutations(message.mutations, false, scope.field("mutations")),
  ),
  [PerRouteConfigSchema.typeName]: messageEntry(PerRouteConfigSchema, decodeJwtRoute),
  [ExtAuthzPerRouteSchema.typeName]: messageEntry(ExtAuthzPerRouteSchema, decodeExtAuthzRoute),
  [ExtProcPerRouteSchema.typeName]: messageEntry(ExtProcPerRouteSchema, decodeExtProcRoute),
  [RateLimitPerRouteSchema.typeName]: messageEntry(RateLimitPerRouteSchema, decodeRateLimitRoute),
  [RBACPerRouteSchema.typeName]: messageEntry(RBACPerRouteSchema, decodeRbacPerRoute),
  ...LAYERED_ROUTES,
};

/** Configurations that the proxy knows for routes; for the reference. */
export const ROUTE_FILTER_TYPES: readonly string[] = Object.keys(ROUTE_FILTERS);

const ENTRIES: AnyTable<RouteFilter> = {
  ...Object.fromEntries(
    Object.entries(ROUTE_FILTERS).map(([name, entry]) => [
      name,
      {
        ...entry,
        decode: (message: never, scope: DecodeScope): RouteFilter | undefined => {
          const config = entry.decode(message, scope);
          return config === undefined ? undefined : { config, disabled: undefined };
        },
      },
    ]),
  ),
  [FilterConfigSchema.typeName]: messageEntry(FilterConfigSchema, decodeWrapped),
};

function decodeWrapped(message: FilterConfig, scope: DecodeScope): RouteFilter | undefined {
  checkShape(ROUTE_FILTER_SHAPE, message, scope);
  if (message.disabled) return { config: undefined, disabled: true };
  const config = message.config;
  if (config === undefined || config.typeUrl === "") return { config: undefined, disabled: false };
  const decoded = decodeAny(config, ROUTE_FILTERS, scope.field("config"));
  return decoded === undefined ? undefined : { config: decoded, disabled: false };
}

/** Undefined when the map is empty, so that most routes carry nothing. */
export function decodeRouteFilters(
  messages: Readonly<Record<string, Any>>,
  scope: DecodeScope,
): RouteFilters | undefined {
  const filters = new Map<string, RouteFilter>();
  for (const [name, any] of Object.entries(messages)) {
    const filter = decodeAny(any, ENTRIES, scope.item(name));
    if (filter !== undefined) filters.set(name, filter);
  }
  return filters.size === 0 ? undefined : filters;
}

/** The deprecated `cors` field counts as configuration of the CORS filter. */
export function withCors(filters: RouteFilters | undefined, cors: CorsConfig | undefined): RouteFilters | undefined {
  const name = "envoy.filters.http.cors";
  if (cors === undefined || filters?.has(name) === true) return filters;
  return new Map([...(filters ?? []), [name, { config: cors, disabled: undefined }]]);
}
