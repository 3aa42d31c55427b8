import { compileExpression, type Expression } from "@heddle/expression";
import {
  ExternalProcessor_RouteCacheAction as CacheAction,
  type ExternalProcessor,
  ExternalProcessorSchema,
  ExtProcOverridesSchema,
  type ExtProcPerRoute,
  ExtProcPerRouteSchema,
  HeaderForwardingRulesSchema,
  type MetadataOptions,
  MetadataOptions_MetadataNamespacesSchema,
  MetadataOptionsSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/ext_proc/v3/ext_proc";
import type { ProcessingMode } from "@heddle/xds-api/envoy/extensions/filters/http/ext_proc/v3/processing_mode";
import type { ListStringMatcher } from "@heddle/xds-api/envoy/type/matcher/v3/string";
import { decodeDuration } from "../duration-field.ts";
import { decodeAskedService, decodeGrpcMetadata, type GrpcMetadata, type GrpcServer } from "../grpc-service.ts";
import { decodeMutationRules, type MutationRules } from "../mutation-rules.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeStringMatch, type StringMatch } from "../string-match.ts";
import { decodeProcessing, type Processing } from "./processing-mode.ts";

/** Namespaces of metadata that the processor sees, and that it may write; undefined: as the filter says. */
export interface ProcessorMetadata {
  readonly forwarded: readonly string[] | undefined;
  readonly received: readonly string[] | undefined;
}

export interface ExtProcConfig {
  readonly kind: "ext-proc";
  readonly service: GrpcServer;
  readonly processing: Processing;
  /** The processor may change what it sees. */
  readonly overridable: boolean;
  /** What it may change it to; empty: anything. */
  readonly overrides: readonly ProcessingMode[];
  /** Exchanges go on without a processor that fails. */
  readonly failOpen: boolean;
  /** Units: ms. */
  readonly timeoutMs: number;
  /** The processor may ask for so much time; 0: it may not. Units: ms. */
  readonly maxTimeoutMs: number;
  /** Behind `ext_proc.` in the names of its statistics, with its dot; "": nothing. */
  readonly statPrefix: string;
  readonly rules: MutationRules;
  /** Headers that the processor sees; empty: all. */
  readonly allowedHeaders: readonly StringMatch[];
  readonly disallowedHeaders: readonly StringMatch[];
  /** The processor only watches. */
  readonly observes: boolean;
  /** How long its stream outlives the exchange then. Units: ms. */
  readonly closeMs: number;
  readonly noImmediate: boolean;
  readonly routeCache: "default" | "clear" | "retain";
  readonly metadata: ProcessorMetadata;
  readonly requestAttributes: readonly Expression[];
  readonly responseAttributes: readonly Expression[];
  /** Streamed bodies are sent although the headers are not answered yet. */
  readonly bodyAhead: boolean;
  readonly statusOnError: number;
  readonly keepLength: boolean;
}

/** What a route says of the filter. */
export interface ExtProcRouteConfig {
  readonly kind: "ext-proc-route";
  readonly disabled: boolean;
  readonly processing: Processing | undefined;
  readonly service: GrpcServer | undefined;
  readonly grpcMetadata: GrpcMetadata;
  readonly metadata: ProcessorMetadata;
  readonly failOpen: boolean | undefined;
}

const NO_TYPED = "only untyped metadata is kept";
const NO_SPAN = "calls of the proxy itself have no spans";

export const EXT_PROC_SHAPE = shape(
  ExternalProcessorSchema,
  [
    "grpc_service",
    "failure_mode_allow",
    "processing_mode",
    "request_attributes",
    "response_attributes",
    "message_timeout",
    "stat_prefix",
    "mutation_rules",
    "max_message_timeout",
    "forward_rules",
    "allow_mode_override",
    "disable_immediate_response",
    "metadata_options",
    "observability_mode",
    "disable_clear_route_cache",
    "route_cache_action",
    "deferred_close_timeout",
    "send_body_without_waiting_for_header_response",
    "allowed_override_modes",
    "status_on_error",
    "allow_content_length_header",
  ],
  {},
  {
    http_service: "processors are called over gRPC only; name a cluster in grpc_service.envoy_grpc",
    filter_metadata: "logs say nothing of a processor's own calls",
    processing_request_modifier: "messages to processors can't be changed by extensions",
    on_processing_response: "no extensions see a processor's answers",
  },
  { only: { emit_client_span: { values: ["false"], reason: NO_SPAN } } },
);
export const EXT_PROC_ROUTE_SHAPE = shape(ExtProcPerRouteSchema, ["disabled", "overrides"]);
export const EXT_PROC_OVERRIDES_SHAPE = shape(
  ExtProcOverridesSchema,
  ["processing_mode", "grpc_service", "metadata_options", "grpc_initial_metadata", "failure_mode_allow"],
  {},
  {
    "async_mode request_attributes response_attributes": "Envoy does not implement it either; the filter's own hold",
    processing_request_modifier: "messages to processors can't be changed by extensions",
  },
  { only: { emit_client_span: { values: ["false"], reason: NO_SPAN } } },
);
export const METADATA_OPTIONS_SHAPE = shape(
  MetadataOptionsSchema,
  ["forwarding_namespaces", "receiving_namespaces"],
  {},
  { cluster_metadata_forwarding_namespaces: "the processor does not get the cluster's metadata" },
);
export const METADATA_NAMESPACES_SHAPE = shape(
  MetadataOptions_MetadataNamespacesSchema,
  ["untyped"],
  {},
  { typed: NO_TYPED },
);
export const FORWARD_RULES_SHAPE = shape(HeaderForwardingRulesSchema, ["allowed_headers", "disallowed_headers"]);

/** Defaults of Envoy. Units: ms. */
const TIMEOUT_MS = 200;
const CLOSE_MS = 5000;
const LONGEST_MS = 3_600_000;

/** Errors: no gRPC service, times over an hour, attributes that the proxy does not have, two words about the route. */
export function decodeExtProc(message: ExternalProcessor, scope: DecodeScope): ExtProcConfig | undefined {
  checkShape(EXT_PROC_SHAPE, message, scope);
  const service = decodeAskedService(message.grpcService, scope.field("grpc_service"));
  if (message.disableClearRouteCache && message.routeCacheAction !== CacheAction.DEFAULT)
    scope.field("route_cache_action").problem("can't be set together with disable_clear_route_cache");
  const { CLEAR, RETAIN } = CacheAction;
  const rules = message.forwardRules;
  if (rules !== undefined) checkShape(FORWARD_RULES_SHAPE, rules, scope.field("forward_rules"));
  const status = Number(message.statusOnError?.code ?? 0);
  const config: ExtProcConfig = {
    kind: "ext-proc",
    service: service ?? { cluster: "", authority: "", metadata: [], timeoutMs: undefined },
    processing: decodeProcessing(message.processingMode, scope.field("processing_mode")),
    overridable: message.allowModeOverride && !message.sendBodyWithoutWaitingForHeaderResponse,
    overrides: message.allowedOverrideModes,
    failOpen: message.failureModeAllow,
    timeoutMs: limited(message.messageTimeout, scope.field("message_timeout")) ?? TIMEOUT_MS,
    maxTimeoutMs: limited(message.maxMessageTimeout, scope.field("max_message_timeout")) ?? 0,
    statPrefix: message.statPrefix === "" ? "" : `${message.statPrefix}.`,
    rules: decodeMutationRules(message.mutationRules, scope.field("mutation_rules")),
    allowedHeaders: matches(rules?.allowedHeaders, scope.field("forward_rules.allowed_headers")),
    disallowedHeaders: matches(rules?.disallowedHeaders, scope.field("forward_rules.disallowed_headers")),
    observes: message.observabilityMode,
    closeMs: decodeDuration(message.deferredCloseTimeout, scope.field("deferred_close_timeout")) ?? CLOSE_MS,
    noImmediate: message.disableImmediateResponse,
    routeCache:
      message.routeCacheAction === CLEAR
        ? "clear"
        : message.disableClearRouteCache || message.routeCacheAction === RETAIN
          ? "retain"
          : "default",
    metadata: decodeMetadata(message.metadataOptions, scope.field("metadata_options")),
    requestAttributes: attributes(message.requestAttributes, scope.field("request_attributes")),
    responseAttributes: attributes(message.responseAttributes, scope.field("response_attributes")),
    bodyAhead: message.sendBodyWithoutWaitingForHeaderResponse,
    statusOnError: status === 0 ? 500 : status,
    keepLength: message.allowContentLengthHeader,
  };
  return service === undefined ? undefined : config;
}

/** Errors: neither `disabled: true` nor `overrides`. */
export function decodeExtProcRoute(message: ExtProcPerRoute, scope: DecodeScope): ExtProcRouteConfig | undefined {
  checkShape(EXT_PROC_ROUTE_SHAPE, message, scope);
  const { override } = message;
  if (override.case === "disabled" && override.value) return { ...NOTHING, disabled: true };
  if (override.case !== "overrides") {
    scope.problem("say disabled: true, or give overrides");
    return undefined;
  }
  const at = scope.field("overrides");
  const own = override.value;
  checkShape(EXT_PROC_OVERRIDES_SHAPE, own, at);
  return {
    kind: "ext-proc-route",
    disabled: false,
    processing:
      own.processingMode === undefined ? undefined : decodeProcessing(own.processingMode, at.field("processing_mode")),
    service: own.grpcService === undefined ? undefined : decodeAskedService(own.grpcService, at.field("grpc_service")),
    grpcMetadata: decodeGrpcMetadata(own.grpcInitialMetadata, at.field("grpc_initial_metadata")),
    metadata: decodeMetadata(own.metadataOptions, at.field("metadata_options")),
    failOpen: own.failureModeAllow,
  };
}

const NOTHING: ExtProcRouteConfig = {
  kind: "ext-proc-route",
  disabled: false,
  processing: undefined,
  service: undefined,
  grpcMetadata: [],
  metadata: { forwarded: undefined, received: undefined },
  failOpen: undefined,
};

function limited(message: Parameters<typeof decodeDuration>[0], scope: DecodeScope): number | undefined {
  const ms = decodeDuration(message, scope);
  if (ms !== undefined && ms > LONGEST_MS) scope.problem("must not be more than an hour");
  return ms;
}

function decodeMetadata(message: MetadataOptions | undefined, scope: DecodeScope): ProcessorMetadata {
  if (message === undefined) return NOTHING.metadata;
  checkShape(METADATA_OPTIONS_SHAPE, message, scope);
  const { forwardingNamespaces: forwarding, receivingNamespaces: receiving } = message;
  if (forwarding !== undefined) checkShape(METADATA_NAMESPACES_SHAPE, forwarding, scope.field("forwarding_namespaces"));
  if (receiving !== undefined) checkShape(METADATA_NAMESPACES_SHAPE, receiving, scope.field("receiving_namespaces"));
  return { forwarded: forwarding?.untyped, received: receiving?.untyped };
}

function attributes(texts: readonly string[], scope: DecodeScope): readonly Expression[] {
  const list: Expression[] = [];
  texts.forEach((text, i) => {
    const expression = compileExpression(text);
    if (!expression.ok) scope.item(i).problem(expression.error);
    else if (!list.some((other) => other.text === text)) list.push(expression.value);
  });
  return list;
}

function matches(message: ListStringMatcher | undefined, scope: DecodeScope): readonly StringMatch[] {
  const list: StringMatch[] = [];
  message?.patterns.forEach((pattern, i) => {
    const match = decodeStringMatch(pattern, scope.field("patterns").item(i));
    if (match !== undefined) list.push(match);
  });
  return list;
}
