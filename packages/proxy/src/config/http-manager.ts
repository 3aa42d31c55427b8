import type { Cidr, PathRules } from "@heddle/std";
import { SchemeHeaderTransformationSchema } from "@heddle/xds-api/envoy/config/core/v3/protocol";
import { HttpConnectionManager_UpgradeConfigSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { ownIp } from "../transport/address.ts";
import { type AccessLogConfig, decodeAccessLogs } from "./access-log.ts";
import { type ConfigOrigin, decodeConfigOrigin } from "./config-origin.ts";
import { decodeDuration } from "./duration-field.ts";
import { decodeEarlyMutations } from "./early-mutations.ts";
import type { HeaderStep } from "./filters/header-mutation.ts";
import { decodeHttpFilters, type HttpFilterConfig, type NamedFilter } from "./http-filters.ts";
import { decodeHttp1, decodeHttp2, type Http1Limits, type Http2Limits } from "./http-protocol.ts";
import { decodeInternalAddresses } from "./internal-addresses.ts";
import { decodeLocalReply, type LocalReplyConfig } from "./local-reply.ts";
import { decodeHttpLogTiming, HTTP_LOG_OPTIONS_SHAPE, type LogTiming } from "./log-timing.ts";
import { decodeOriginalIp } from "./original-ip.ts";
import {
  CommonHttpProtocolOptionsSchema,
  type HttpConnectionManager,
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  HttpProtocolOptions_HeadersWithUnderscoresAction,
} from "./proto.ts";
import { decodeProxyStatus, type ProxyStatusConfig } from "./proxy-status.ts";
import { decodeRouteTable, type RouteTableConfig } from "./route-table.ts";
import type { DecodeScope } from "./scope.ts";
import { decodeScopedRoutes, type ScopedRoutesConfig } from "./scoped-routes.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeTracing, type TracingConfig } from "./tracing.ts";
import type { UpstreamLogConfig } from "./upstream-log.ts";

/** Where the routes of a connection manager come from. */
export type RouteSource =
  | { readonly kind: "rds"; readonly name: string; readonly from: ConfigOrigin }
  | { readonly kind: "inline"; readonly table: RouteTableConfig }
  | ScopedRoutesConfig;

/** What happens to x-forwarded-client-cert. */
export type ForwardClientCert = "sanitize" | "forward-only" | "append-forward" | "sanitize-set" | "always-forward-only";

export interface ClientCertDetails {
  readonly subject: boolean;
  readonly cert: boolean;
  readonly chain: boolean;
  readonly dns: boolean;
  readonly uri: boolean;
}

/** Configuration of an HTTP connection manager. Zero durations mean no limit. */
export interface HttpManagerConfig extends PathRules {
  readonly kind: "http";
  readonly statPrefix: string;
  readonly codec: "auto" | "http1" | "http2";
  readonly routes: RouteSource;
  /** Those that are on by themselves. */
  readonly filters: readonly HttpFilterConfig[];
  /** All of them, for requests. */
  readonly namedFilters: readonly NamedFilter[];
  readonly accessLogs: readonly AccessLogConfig[];
  readonly logTiming: LogTiming;
  /** Undefined: tries have no lines of their own. */
  readonly upstreamLog: UpstreamLogConfig | undefined;
  readonly http1: Http1Limits;
  readonly http2: Http2Limits;
  readonly serverName: string;
  readonly serverHeader: "overwrite" | "append-if-absent" | "pass-through";
  readonly maxRequestHeadersBytes: number;
  readonly maxRequestHeadersCount: number;
  readonly underscores: "allow" | "reject" | "drop";
  /** Between two events of a stream. Default: 5 min. Units: ms. */
  readonly streamIdleTimeoutMs: number;
  /** Until the whole request is there. Units: ms. */
  readonly requestTimeoutMs: number;
  readonly requestHeadersTimeoutMs: number;
  /** How long a connection that reached a limit takes further requests. Default: 5 s. */
  readonly drainMs: number;
  /** A client's time to read the last answer and to close; 0: none. Default: 1 s. */
  readonly delayedCloseMs: number;
  /** Connection without streams. Default: 1 h. Units: ms. */
  readonly idleTimeoutMs: number;
  readonly maxConnectionDurationMs: number;
  readonly maxStreamDurationMs: number;
  readonly maxRequestsPerConnection: number;
  readonly useRemoteAddress: boolean;
  /** Stands in x-forwarded-for for clients on the loopback interface. "": not needed. */
  readonly ownIp: string;
  readonly trustedHops: number;
  readonly skipXffAppend: boolean;
  readonly via: string;
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly requestIdInResponse: boolean;
  readonly forwardClientCert: ForwardClientCert;
  readonly clientCertDetails: ClientCertDetails;
  readonly proxy100Continue: boolean;
  /** Upgrade tokens that are let through; empty map: none. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  readonly stripPort: "none" | "matching" | "any";
  readonly stripTrailingDot: boolean;
  readonly schemeOverwrite: string | undefined;
  readonly appendForwardedPort: boolean;
  /** Undefined: answers of the proxy go out as they are. */
  readonly localReply: LocalReplyConfig | undefined;
  /** Undefined: no spans. */
  readonly tracing: TracingConfig | undefined;
  /** The router writes x-envoy-* headers of its own. */
  readonly envoyHeaders: boolean;
  /** Clients whose requests are internal; undefined: nobody's are. */
  readonly internalAddresses: readonly Cidr[] | undefined;
  /** Changes of request headers before anything looks at them; undefined: none. */
  readonly earlyMutations: readonly HeaderStep[] | undefined;
  /** Answers say what went wrong; undefined: they do not. */
  readonly proxyStatus: ProxyStatusConfig | undefined;
}

export const MANAGER_UPGRADE_SHAPE = shape(
  HttpConnectionManager_UpgradeConfigSchema,
  ["upgrade_type", "enabled"],
  {},
  { filters: "upgrades pass the same filters as other requests" },
);
export const SCHEME_SHAPE = shape(
  SchemeHeaderTransformationSchema,
  ["scheme_to_overwrite"],
  {},
  { match_upstream: "the scheme is the client's, or scheme_to_overwrite" },
);

export const HTTP_MANAGER_SHAPE = shape(
  HttpConnectionManagerSchema,
  [
    "codec_type",
    "stat_prefix",
    "rds",
    "route_config",
    "scoped_routes",
    "http_filters",
    "common_http_protocol_options",
    "http_protocol_options",
    "http2_protocol_options",
    "server_name",
    "server_header_transformation",
    "scheme_header_transformation",
    "max_request_headers_kb",
    "stream_idle_timeout",
    "request_timeout",
    "request_headers_timeout",
    "access_log",
    "access_log_options",
    "access_log_flush_interval",
    "flush_access_log_on_new_request",
    "use_remote_address",
    "xff_num_trusted_hops",
    "original_ip_detection_extensions",
    "skip_xff_append",
    "via",
    "generate_request_id",
    "preserve_external_request_id",
    "always_set_request_id_in_response",
    "forward_client_cert_details",
    "set_current_client_cert_details",
    "proxy_100_continue",
    "upgrade_configs",
    "normalize_path",
    "merge_slashes",
    "path_with_escaped_slashes_action",
    "strip_matching_host_port",
    "strip_any_host_port",
    "strip_trailing_host_dot",
    "append_x_forwarded_port",
    "local_reply_config",
    "tracing",
    "request_id_extension",
    "early_header_mutation_extensions",
    "proxy_status_config",
    "drain_timeout",
    "delayed_close_timeout",
  ],
  {},
  {
    add_user_agent: "write the header with request_headers_to_add",
    http3_protocol_options: "HTTP/3 is not implemented",
    represent_ipv4_remote_address_as_ipv4_mapped_ipv6: "addresses of version 4 are always written as such",
    path_normalization_options: "use normalize_path, merge_slashes and path_with_escaped_slashes_action",
    typed_header_validation_config: "there is one set of rules, Envoy's secure defaults",
  },
  {
    only: {
      stream_error_on_invalid_http_message: {
        values: ["false"],
        reason: "an invalid message always ends the connection, so that no byte after it is read as a request",
      },
      add_proxy_protocol_connection_state: {
        values: ["true"],
        reason: "a PROXY header to the upstream always names the client that the listener knows",
      },
      append_local_overload: { values: ["false"], reason: "the answer of a shed request says overload in its body" },
    },
    differs: {
      internal_address_config:
        "x-envoy-hedge-on-per-try-timeout, x-envoy-upstream-alt-stat-name and x-envoy-upstream-rq-timeout-alt-response of internal clients go on to the server and do nothing here",
    },
    inside: {
      access_log_options: HTTP_LOG_OPTIONS_SHAPE,
      upgrade_configs: MANAGER_UPGRADE_SHAPE,
      scheme_header_transformation: SCHEME_SHAPE,
    },
  },
);
export const COMMON_HTTP_SHAPE = shape(CommonHttpProtocolOptionsSchema, [
  "idle_timeout",
  "max_connection_duration",
  "max_headers_count",
  "max_stream_duration",
  "headers_with_underscores_action",
  "max_requests_per_connection",
]);

const CODECS = {
  [HttpConnectionManager_CodecType.AUTO]: "auto",
  [HttpConnectionManager_CodecType.HTTP1]: "http1",
  [HttpConnectionManager_CodecType.HTTP2]: "http2",
  [HttpConnectionManager_CodecType.HTTP3]: undefined,
} as const;

const FORWARDING = {
  [HttpConnectionManager_ForwardClientCertDetails.SANITIZE]: "sanitize",
  [HttpConnectionManager_ForwardClientCertDetails.FORWARD_ONLY]: "forward-only",
  [HttpConnectionManager_ForwardClientCertDetails.APPEND_FORWARD]: "append-forward",
  [HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET]: "sanitize-set",
  [HttpConnectionManager_ForwardClientCertDetails.ALWAYS_FORWARD_ONLY]: "always-forward-only",
} as const;

export function decodeHttpManager(message: HttpConnectionManager, scope: DecodeScope): HttpManagerConfig | undefined {
  checkShape(HTTP_MANAGER_SHAPE, message, scope);
  const common = message.commonHttpProtocolOptions;
  if (common !== undefined) checkShape(COMMON_HTTP_SHAPE, common, scope.field("common_http_protocol_options"));
  const routes = decodeRouteSource(message, scope);
  const codec = CODECS[message.codecType];
  if (codec === undefined) scope.field("codec_type").problem("HTTP/3 is not implemented; use AUTO, HTTP1 or HTTP2");
  const ms = (name: string, value: Parameters<typeof decodeDuration>[0], fallback: number) =>
    decodeDuration(value, scope.field(name)) ?? fallback;
  const namedFilters = decodeHttpFilters(message.httpFilters, scope.field("http_filters"));
  const accessLogs = decodeAccessLogs(message.accessLog, scope.field("access_log"));
  const router = namedFilters.find(({ config }) => config.kind === "router")?.config;
  const childSpan = router?.kind === "router" && router.childSpan;
  const details = message.setCurrentClientCertDetails;
  const detectedHops = decodeOriginalIp(
    message.originalIpDetectionExtensions,
    { useRemoteAddress: message.useRemoteAddress ?? false, hops: message.xffNumTrustedHops },
    scope.field("original_ip_detection_extensions"),
  );
  if (routes === undefined || codec === undefined) return undefined;
  return {
    kind: "http",
    statPrefix: message.statPrefix,
    codec,
    routes,
    filters: namedFilters.filter((f) => !f.disabled).map((f) => f.config),
    namedFilters,
    accessLogs,
    upstreamLog: router?.kind === "router" ? router.upstreamLog : undefined,
    logTiming: decodeHttpLogTiming(message, scope),
    http1: decodeHttp1(message.httpProtocolOptions, scope.field("http_protocol_options")),
    http2: decodeHttp2(message.http2ProtocolOptions, scope.field("http2_protocol_options")),
    serverName: message.serverName === "" ? "envoy" : message.serverName,
    serverHeader:
      message.serverHeaderTransformation === HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH
        ? "pass-through"
        : message.serverHeaderTransformation === HttpConnectionManager_ServerHeaderTransformation.APPEND_IF_ABSENT
          ? "append-if-absent"
          : "overwrite",
    maxRequestHeadersBytes: (message.maxRequestHeadersKb ?? 60) * 1024,
    maxRequestHeadersCount: common?.maxHeadersCount ?? 100,
    underscores: underscoreAction(common?.headersWithUnderscoresAction),
    streamIdleTimeoutMs: ms("stream_idle_timeout", message.streamIdleTimeout, 300_000),
    requestTimeoutMs: ms("request_timeout", message.requestTimeout, 0),
    requestHeadersTimeoutMs: ms("request_headers_timeout", message.requestHeadersTimeout, 0),
    drainMs: ms("drain_timeout", message.drainTimeout, 5000),
    delayedCloseMs: ms("delayed_close_timeout", message.delayedCloseTimeout, 1000),
    idleTimeoutMs: ms("common_http_protocol_options.idle_timeout", common?.idleTimeout, 3_600_000),
    maxConnectionDurationMs: ms(
      "common_http_protocol_options.max_connection_duration",
      common?.maxConnectionDuration,
      0,
    ),
    maxStreamDurationMs: ms("common_http_protocol_options.max_stream_duration", common?.maxStreamDuration, 0),
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    useRemoteAddress: message.useRemoteAddress ?? false,
    ownIp: message.useRemoteAddress === true ? ownIp() : "",
    trustedHops: detectedHops ?? message.xffNumTrustedHops,
    skipXffAppend: message.skipXffAppend,
    via: message.via,
    generateRequestId: message.generateRequestId ?? true,
    preserveExternalRequestId: message.preserveExternalRequestId,
    requestIdInResponse: message.alwaysSetRequestIdInResponse,
    forwardClientCert: FORWARDING[message.forwardClientCertDetails],
    clientCertDetails: {
      subject: details?.subject ?? false,
      cert: details?.cert ?? false,
      chain: details?.chain ?? false,
      dns: details?.dns ?? false,
      uri: details?.uri ?? false,
    },
    proxy100Continue: message.proxy100Continue,
    upgrades: new Map(message.upgradeConfigs.map((u) => [u.upgradeType.toLowerCase(), u.enabled ?? true])),
    normalizePath: message.normalizePath ?? false,
    mergeSlashes: message.mergeSlashes,
    escapedSlashes: escapedSlashes(message.pathWithEscapedSlashesAction),
    stripPort:
      message.stripPortMode.case === "stripAnyHostPort" && message.stripPortMode.value
        ? "any"
        : message.stripMatchingHostPort
          ? "matching"
          : "none",
    stripTrailingDot: message.stripTrailingHostDot,
    schemeOverwrite:
      message.schemeHeaderTransformation?.transformation.case === "schemeToOverwrite"
        ? message.schemeHeaderTransformation.transformation.value
        : undefined,
    appendForwardedPort: message.appendXForwardedPort,
    localReply: decodeLocalReply(message.localReplyConfig, scope.field("local_reply_config")),
    tracing: decodeTracing(message, childSpan, scope),
    envoyHeaders: router?.kind !== "router" || router.envoyHeaders,
    proxyStatus: decodeProxyStatus(message, scope),
    internalAddresses: decodeInternalAddresses(message, scope),
    earlyMutations: decodeEarlyMutations(
      message.earlyHeaderMutationExtensions,
      scope.field("early_header_mutation_extensions"),
    ),
  };
}

function decodeRouteSource(message: HttpConnectionManager, scope: DecodeScope): RouteSource | undefined {
  const specifier = message.routeSpecifier;
  switch (specifier.case) {
    case "rds":
      if (specifier.value.routeConfigName === "")
        scope.field("rds.route_config_name").problem("RDS needs the name of a route configuration");
      return {
        kind: "rds",
        name: specifier.value.routeConfigName,
        from: decodeConfigOrigin(specifier.value.configSource, scope.field("rds.config_source")) ?? { kind: "ads" },
      };
    case "routeConfig":
      return { kind: "inline", table: decodeRouteTable(specifier.value, scope.field("route_config")) };
    case "scopedRoutes":
      return decodeScopedRoutes(specifier.value, scope.field("scoped_routes"));
    case undefined:
      scope.problem("an HTTP connection manager needs one of rds, route_config, scoped_routes");
      return undefined;
  }
}

function underscoreAction(
  action: HttpProtocolOptions_HeadersWithUnderscoresAction | undefined,
): HttpManagerConfig["underscores"] {
  if (action === HttpProtocolOptions_HeadersWithUnderscoresAction.REJECT_REQUEST) return "reject";
  return action === HttpProtocolOptions_HeadersWithUnderscoresAction.DROP_HEADER ? "drop" : "allow";
}

function escapedSlashes(
  action: HttpConnectionManager_PathWithEscapedSlashesAction,
): HttpManagerConfig["escapedSlashes"] {
  switch (action) {
    case HttpConnectionManager_PathWithEscapedSlashesAction.REJECT_REQUEST:
      return "reject";
    case HttpConnectionManager_PathWithEscapedSlashesAction.UNESCAPE_AND_FORWARD:
      return "unescape";
    case HttpConnectionManager_PathWithEscapedSlashesAction.UNESCAPE_AND_REDIRECT:
      return "redirect";
    default:
      return "keep";
  }
}
