import {
  type AuthorizationResponse,
  AuthorizationResponseSchema,
  type BufferSettings,
  type ExtAuthz,
  type ExtAuthzPerRoute,
  ExtAuthzSchema,
  type HttpService,
} from "@heddle/xds-api/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import type { ListStringMatcher } from "@heddle/xds-api/envoy/type/matcher/v3/string";
import type { RuntimeFlag, RuntimeShare } from "../../runtime/runtime.ts";
import { decodeDuration } from "../duration-field.ts";
import { runtimeFlag, runtimeFraction } from "../fraction.ts";
import { decodeAskedService, type GrpcServer } from "../grpc-service.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape, VERSION_3 } from "../shape.ts";
import { decodeStringMatch, type StringMatch } from "../string-match.ts";
import { decodeMetadataMatch, type MetadataMatch } from "../value-match.ts";

/** Who is asked. */
export type AuthorizationService =
  | (GrpcServer & { readonly kind: "grpc"; readonly timeoutMs: number })
  | {
      readonly kind: "http";
      readonly cluster: string;
      readonly pathPrefix: string;
      readonly timeoutMs: number;
      readonly headersToAdd: readonly (readonly [string, string])[];
      /** Headers of the request that the service sees, beside the ones that it always does. */
      readonly requestHeaders: readonly StringMatch[];
      readonly upstreamHeaders: readonly StringMatch[];
      readonly upstreamAppend: readonly StringMatch[];
      /** Undefined: all of them. */
      readonly clientHeaders: readonly StringMatch[] | undefined;
      /** Those of an answer which later filters and logs find in metadata. */
      readonly metadataHeaders: readonly StringMatch[];
      readonly clientHeadersOnSuccess: readonly StringMatch[];
    };

export interface ExtAuthzConfig {
  readonly kind: "ext-authz";
  readonly service: AuthorizationService;
  /** Behind `ext_authz.` in the names of its statistics, with its dot; "": nothing. */
  readonly statPrefix: string;
  /** Requests pass while the service does not answer. */
  readonly failOpen: boolean;
  readonly failOpenHeader: boolean;
  readonly statusOnError: number;
  readonly clearRoute: boolean;
  readonly fraction: RuntimeShare;
  readonly includeCertificate: boolean;
  readonly includeSni: boolean;
  /** Empty: all. */
  readonly allowedHeaders: readonly StringMatch[];
  readonly disallowedHeaders: readonly StringMatch[];
  /** Undefined: the service does not see bodies. */
  readonly body: AuthorizationBody | undefined;
  /** Metadata of earlier filters that the service sees, by filter name. */
  readonly namespaces: readonly string[];
  /** The same of the route's metadata. */
  readonly routeNamespaces: readonly string[];
  /** Only requests with this metadata are checked; undefined: all. */
  readonly enabledMetadata: MetadataMatch | undefined;
  /** Requests that are not checked are refused. */
  readonly denyAtDisable: RuntimeFlag;
  /** Answers with impossible header names or values fail the request. */
  readonly validateMutations: boolean;
}

/** How much of a body the service sees. */
export interface AuthorizationBody {
  /** Units: bytes. */
  readonly maxBytes: number;
  /** A larger body is cut instead of refused. */
  readonly partial: boolean;
  readonly asBytes: boolean;
}

/** What a route says of the check. */
export interface ExtAuthzRouteConfig {
  readonly kind: "ext-authz-route";
  readonly disabled: boolean;
  readonly context: Readonly<Record<string, string>>;
  /** Replaces the filter's; `false`: no body; undefined: as the filter says. */
  readonly body: AuthorizationBody | false | undefined;
}

export const EXT_AUTHZ_SHAPE = shape(
  ExtAuthzSchema,
  [
    "grpc_service",
    "http_service",
    "failure_mode_allow",
    "failure_mode_allow_header_add",
    "clear_route_cache",
    "status_on_error",
    "filter_enabled",
    "include_peer_certificate",
    "include_tls_session",
    "allowed_headers",
    "disallowed_headers",
    "with_request_body",
    "metadata_context_namespaces",
    "route_metadata_context_namespaces",
    "filter_enabled_metadata",
    "deny_at_disable",
    "validate_mutations",
    "stat_prefix",
  ],
  {},
  {
    bootstrap_metadata_labels_key: "the service does not get the node's labels",
    "typed_metadata_context_namespaces route_typed_metadata_context_namespaces":
      "only untyped metadata is kept; use metadata_context_namespaces",
    decoder_header_mutation_rules: "use allowed_upstream_headers of an HTTP service, or validate_mutations",
  },
  {
    only: {
      transport_api_version: VERSION_3,
      encode_raw_headers: { values: ["false"], reason: "headers travel as text" },
      enable_dynamic_metadata_ingestion: { values: ["true"], reason: "metadata of the answer is always kept" },
    },
    differs: {
      charge_cluster_response_stats:
        "refusals are counted under ext_authz.denied of the cluster, never among its answers, as with false",
    },
  },
);
export const AUTHORIZATION_RESPONSE_SHAPE = shape(AuthorizationResponseSchema, [
  "allowed_upstream_headers",
  "allowed_upstream_headers_to_append",
  "allowed_client_headers",
  "allowed_client_headers_on_success",
  "dynamic_metadata_from_headers",
]);

/** Default of Envoy. Units: ms. */
const TIMEOUT_MS = 200;

export function decodeExtAuthz(message: ExtAuthz, scope: DecodeScope): ExtAuthzConfig | undefined {
  checkShape(EXT_AUTHZ_SHAPE, message, scope);
  const service = decodeService(message, scope);
  if (service === undefined) return undefined;
  const status = Number(message.statusOnError?.code ?? 0);
  return {
    kind: "ext-authz",
    service,
    statPrefix: message.statPrefix === "" ? "" : `${message.statPrefix}.`,
    failOpen: message.failureModeAllow,
    failOpenHeader: message.failureModeAllowHeaderAdd,
    statusOnError: status === 0 ? 403 : status,
    clearRoute: message.clearRouteCache,
    fraction: runtimeFraction(message.filterEnabled, 1),
    includeCertificate: message.includePeerCertificate,
    includeSni: message.includeTlsSession,
    allowedHeaders: matches(message.allowedHeaders, scope.field("allowed_headers")),
    disallowedHeaders: matches(message.disallowedHeaders, scope.field("disallowed_headers")),
    body: decodeBody(message.withRequestBody, scope.field("with_request_body")),
    namespaces: message.metadataContextNamespaces,
    routeNamespaces: message.routeMetadataContextNamespaces,
    enabledMetadata:
      message.filterEnabledMetadata === undefined
        ? undefined
        : decodeMetadataMatch(message.filterEnabledMetadata, scope.field("filter_enabled_metadata")),
    denyAtDisable: runtimeFlag(message.denyAtDisable, false),
    validateMutations: message.validateMutations,
  };
}

export function decodeExtAuthzRoute(message: ExtAuthzPerRoute, scope: DecodeScope): ExtAuthzRouteConfig {
  const override = message.override;
  if (override.case !== "checkSettings")
    return {
      kind: "ext-authz-route",
      disabled: override.case === "disabled" && override.value,
      context: {},
      body: undefined,
    };
  const settings = override.value;
  return {
    kind: "ext-authz-route",
    disabled: false,
    context: settings.contextExtensions,
    body: settings.disableRequestBodyBuffering
      ? false
      : decodeBody(settings.withRequestBody, scope.field("check_settings.with_request_body")),
  };
}

function decodeBody(message: BufferSettings | undefined, scope: DecodeScope): AuthorizationBody | undefined {
  if (message === undefined) return undefined;
  if (message.maxRequestBytes === 0) scope.field("max_request_bytes").problem("a body of no bytes can't be sent");
  return { maxBytes: message.maxRequestBytes, partial: message.allowPartialMessage, asBytes: message.packAsBytes };
}

function decodeService(message: ExtAuthz, scope: DecodeScope): AuthorizationService | undefined {
  const services = message.services;
  if (services.case === "httpService") return decodeHttp(services.value, scope.field("http_service"));
  if (services.case !== "grpcService") {
    scope.problem("external authorization needs grpc_service or http_service");
    return undefined;
  }
  const server = decodeAskedService(services.value, scope.field("grpc_service"));
  return server && { kind: "grpc", ...server, timeoutMs: server.timeoutMs ?? TIMEOUT_MS };
}

function decodeHttp(message: HttpService, scope: DecodeScope): AuthorizationService | undefined {
  const uri = message.serverUri;
  // The uri itself is sent to nobody, as in Envoy: the service sees the request's own host and path.
  if (uri?.httpUpstreamType.case !== "cluster" || uri.uri === "") {
    scope.field("server_uri").problem("the service needs a uri and a cluster");
    return undefined;
  }
  const answer: AuthorizationResponse | undefined = message.authorizationResponse;
  const at = scope.field("authorization_response");
  if (answer !== undefined) checkShape(AUTHORIZATION_RESPONSE_SHAPE, answer, at);
  const request = message.authorizationRequest;
  return {
    kind: "http",
    cluster: uri.httpUpstreamType.value,
    pathPrefix: message.pathPrefix,
    timeoutMs: decodeDuration(uri.timeout, scope.field("server_uri.timeout")) ?? TIMEOUT_MS,
    headersToAdd: (request?.headersToAdd ?? []).map((h): [string, string] => [h.key.toLowerCase(), h.value]),
    requestHeaders: matches(request?.allowedHeaders, scope.field("authorization_request.allowed_headers")),
    upstreamHeaders: matches(answer?.allowedUpstreamHeaders, at.field("allowed_upstream_headers")),
    upstreamAppend: matches(answer?.allowedUpstreamHeadersToAppend, at.field("allowed_upstream_headers_to_append")),
    clientHeaders:
      answer?.allowedClientHeaders === undefined
        ? undefined
        : matches(answer.allowedClientHeaders, at.field("allowed_client_headers")),
    clientHeadersOnSuccess: matches(
      answer?.allowedClientHeadersOnSuccess,
      at.field("allowed_client_headers_on_success"),
    ),
    metadataHeaders: matches(answer?.dynamicMetadataFromHeaders, at.field("dynamic_metadata_from_headers")),
  };
}

function matches(message: ListStringMatcher | undefined, scope: DecodeScope): readonly StringMatch[] {
  const list: StringMatch[] = [];
  message?.patterns.forEach((pattern, i) => {
    const match = decodeStringMatch(pattern, scope.field("patterns").item(i));
    if (match !== undefined) list.push(match);
  });
  return list;
}
