import type { JsonObject } from "@bufbuild/protobuf";
import { BufferSchema } from "@heddle/xds-api/envoy/extensions/filters/http/buffer/v3/buffer";
import { CompressorSchema } from "@heddle/xds-api/envoy/extensions/filters/http/compressor/v3/compressor";
import { DecompressorSchema } from "@heddle/xds-api/envoy/extensions/filters/http/decompressor/v3/decompressor";
import { ExtAuthzSchema } from "@heddle/xds-api/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import { ExternalProcessorSchema } from "@heddle/xds-api/envoy/extensions/filters/http/ext_proc/v3/ext_proc";
import { GrpcWebSchema } from "@heddle/xds-api/envoy/extensions/filters/http/grpc_web/v3/grpc_web";
import { HeaderMutationSchema } from "@heddle/xds-api/envoy/extensions/filters/http/header_mutation/v3/header_mutation";
import { JwtAuthenticationSchema } from "@heddle/xds-api/envoy/extensions/filters/http/jwt_authn/v3/config";
import { LocalRateLimitSchema } from "@heddle/xds-api/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit";
import { RateLimitSchema } from "@heddle/xds-api/envoy/extensions/filters/http/ratelimit/v3/rate_limit";
import { RBACSchema } from "@heddle/xds-api/envoy/extensions/filters/http/rbac/v3/rbac";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeFilterState, type FilterStateConfig } from "./filter-state.ts";
import { type BufferConfig, decodeBuffer } from "./filters/buffer.ts";
import { type CompressorConfig, decodeCompressor } from "./filters/compressor.ts";
import { type DecompressorConfig, decodeDecompressor } from "./filters/decompressor.ts";
import { decodeExtAuthz, type ExtAuthzConfig } from "./filters/ext-authz.ts";
import { decodeExtProc, type ExtProcConfig } from "./filters/ext-proc.ts";
import { decodeFault, type FaultConfig } from "./filters/fault.ts";
import { decodeHeaderMutationFilter, type HeaderMutationConfig } from "./filters/header-mutation.ts";
import { decodeJwtAuthn, type JwtAuthnConfig } from "./filters/jwt-authn.ts";
import { LAYERED_FILTERS, type LayeredConfig } from "./filters/layered-filters.ts";
import { decodeLocalRateLimit, type LocalRateLimitConfig } from "./filters/local-rate-limit.ts";
import { decodeRateLimitFilter, type RateLimitFilterConfig } from "./filters/rate-limit.ts";
import { decodeRbacFilter, type RbacFilterConfig } from "./filters/rbac.ts";
import {
  CorsSchema,
  GrpcStatsSchema,
  HTTPFaultSchema,
  type HttpFilter,
  HttpSetFilterStateSchema,
  RouterSchema,
} from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeIstioStats, type IstioStatsConfig } from "./stats-plugin.ts";
import { decodeUpstreamLog, type UpstreamLogConfig } from "./upstream-log.ts";

export interface RouterConfig {
  readonly kind: "router";
  /** It writes x-envoy-* headers of its own. */
  readonly envoyHeaders: boolean;
  /** Each try has a span. */
  readonly childSpan: boolean;
  /** Undefined: tries have no lines in logs. */
  readonly upstreamLog: UpstreamLogConfig | undefined;
}

/** One HTTP filter of a connection manager. */
export type HttpFilterConfig =
  | RouterConfig
  | { readonly kind: "istio-stats"; readonly stats: IstioStatsConfig }
  | { readonly kind: "set-filter-state"; readonly values: readonly FilterStateConfig[] }
  /** Runs where a route brings a policy. */
  | { readonly kind: "cors" }
  | { readonly kind: "grpc-web" }
  | BufferConfig
  | FaultConfig
  | LocalRateLimitConfig
  | HeaderMutationConfig
  | RbacFilterConfig
  | JwtAuthnConfig
  | ExtAuthzConfig
  | ExtProcConfig
  | RateLimitFilterConfig
  | CompressorConfig
  | DecompressorConfig
  | LayeredConfig
  /** Accepted, does nothing with the configuration that it has. */
  | { readonly kind: "inert"; readonly name: string };

/** A filter with the name under which routes configure it. */
export interface NamedFilter {
  readonly name: string;
  readonly config: HttpFilterConfig;
  /** Off unless a route switches it on. */
  readonly disabled: boolean;
}

export const ROUTER_SHAPE = shape(
  RouterSchema,
  ["suppress_envoy_headers", "start_child_span", "upstream_log", "upstream_log_options"],
  {},
  {
    strict_check_headers: "x-envoy-* request headers do not change how a request is treated, whatever they say",
    upstream_http_filters: "filters run once for a request, before the router",
  },
  {
    only: {
      dynamic_stats: { values: ["true"], reason: "a cluster's answers are always counted; choose by stats_matcher" },
      suppress_grpc_request_failure_code_stats: {
        values: ["false"],
        reason: "a cluster's answers are always counted; choose by stats_matcher",
      },
      respect_expected_rq_timeout: {
        values: ["false"],
        reason: "x-envoy-* request headers do not change how a request is treated",
      },
    },
  },
);
const STATS_ENTRY = {
  kind: "struct" as const,
  decode: (value: JsonObject, scope: DecodeScope): HttpFilterConfig => ({
    kind: "istio-stats",
    stats: decodeIstioStats(value, scope),
  }),
};
const INERT_STRUCT = (name: string) => ({
  kind: "struct" as const,
  decode: (): HttpFilterConfig => ({ kind: "inert", name }),
});

export const HTTP_FILTERS: AnyTable<HttpFilterConfig> = {
  "envoy.extensions.filters.http.router.v3.Router": messageEntry(RouterSchema, (message, scope): HttpFilterConfig => {
    checkShape(ROUTER_SHAPE, message, scope);
    return {
      kind: "router",
      envoyHeaders: !message.suppressEnvoyHeaders,
      childSpan: message.startChildSpan,
      upstreamLog: decodeUpstreamLog(message, scope),
    };
  }),
  "envoy.extensions.filters.http.set_filter_state.v3.Config": messageEntry(
    HttpSetFilterStateSchema,
    (message, scope): HttpFilterConfig => ({
      kind: "set-filter-state",
      values: decodeFilterState(message.onRequestHeaders, scope.field("on_request_headers")),
    }),
  ),
  "envoy.extensions.filters.http.cors.v3.Cors": messageEntry(CorsSchema, (): HttpFilterConfig => ({ kind: "cors" })),
  "envoy.extensions.filters.http.fault.v3.HTTPFault": messageEntry(
    HTTPFaultSchema,
    (message, scope): HttpFilterConfig => decodeFault(message, scope),
  ),
  [LocalRateLimitSchema.typeName]: messageEntry(
    LocalRateLimitSchema,
    (m, s): HttpFilterConfig => decodeLocalRateLimit(m, s),
  ),
  [HeaderMutationSchema.typeName]: messageEntry(
    HeaderMutationSchema,
    (m, s): HttpFilterConfig => decodeHeaderMutationFilter(m, s),
  ),
  [JwtAuthenticationSchema.typeName]: messageEntry(
    JwtAuthenticationSchema,
    (m, s): HttpFilterConfig => decodeJwtAuthn(m, s),
  ),
  [ExtAuthzSchema.typeName]: messageEntry(ExtAuthzSchema, (m, s): HttpFilterConfig | undefined => decodeExtAuthz(m, s)),
  [ExternalProcessorSchema.typeName]: messageEntry(ExternalProcessorSchema, (m, s): HttpFilterConfig | undefined =>
    decodeExtProc(m, s),
  ),
  [RateLimitSchema.typeName]: messageEntry(RateLimitSchema, (m, s): HttpFilterConfig | undefined =>
    decodeRateLimitFilter(m, s),
  ),
  [RBACSchema.typeName]: messageEntry(RBACSchema, (m, s): HttpFilterConfig => decodeRbacFilter(m, s)),
  [BufferSchema.typeName]: messageEntry(BufferSchema, (m, s): HttpFilterConfig => decodeBuffer(m, s)),
  [GrpcWebSchema.typeName]: messageEntry(GrpcWebSchema, (): HttpFilterConfig => ({ kind: "grpc-web" })),
  [CompressorSchema.typeName]: messageEntry(CompressorSchema, (m, s): HttpFilterConfig | undefined =>
    decodeCompressor(m, s),
  ),
  [DecompressorSchema.typeName]: messageEntry(DecompressorSchema, (m, s): HttpFilterConfig | undefined =>
    decodeDecompressor(m, s),
  ),
  // gRPC exchanges are counted by the standard metrics.
  "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig": messageEntry(
    GrpcStatsSchema,
    (): HttpFilterConfig => ({ kind: "inert", name: "grpc_stats" }),
  ),
  ...LAYERED_FILTERS,
  "stats.PluginConfig": STATS_ENTRY,
  // Peers are learnt together with the standard metrics.
  "io.istio.http.peer_metadata.Config": INERT_STRUCT("peer_metadata"),
  "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig": INERT_STRUCT("alpn"),
};

/** HTTP filters that the proxy has; for the reference. */
export const HTTP_FILTER_TYPES: readonly string[] = Object.keys(HTTP_FILTERS);

/** Errors: unknown filters, disabled ones that are needed, a router that is not last. */
export function decodeHttpFilters(messages: readonly HttpFilter[], scope: DecodeScope): readonly NamedFilter[] {
  const filters: NamedFilter[] = [];
  messages.forEach((message, i) => {
    const at = scope.item(i);
    if (message.configType.case === "configDiscovery") {
      at.field("config_discovery").problem("filter configuration over ECDS is not implemented; send typed_config");
      return;
    }
    const config = decodeAny(message.configType.value, HTTP_FILTERS, at.field("typed_config"));
    if (config !== undefined) filters.push({ name: message.name, config, disabled: message.disabled });
  });
  if (filters.length > 0 && filters[filters.length - 1]?.config.kind !== "router") {
    scope.problem("the last HTTP filter must be envoy.filters.http.router");
  }
  return filters;
}
