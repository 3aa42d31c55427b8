import {
  type HttpConnectionManager_Tracing,
  HttpConnectionManager_TracingSchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { UuidRequestIdConfigSchema } from "@heddle/xds-api/envoy/extensions/request_id/uuid/v3/uuid";
import type { RuntimeShare } from "../runtime/runtime.ts";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeCustomTags, type TagConfig } from "./custom-tags.ts";
import { fractionOf } from "./fraction.ts";
import type { HttpConnectionManager, Route } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeTraceProvider, type TraceProvider } from "./trace-provider.ts";

/** Shares of requests. */
export interface Sampling {
  /** Of those that ask by x-client-trace-id. Default: 1. */
  readonly client: RuntimeShare;
  /** Of those that nobody asked about. Default: 1. */
  readonly random: RuntimeShare;
  /** Bound of both. Default: 1. */
  readonly overall: RuntimeShare;
}

/** Spans of a connection manager. */
export interface TracingConfig {
  readonly sampling: Sampling;
  readonly tags: readonly TagConfig[];
  /** Longest path in the tag `http.url`. Default: 256. */
  readonly maxPathLength: number;
  /** Each try has a span of its own below the request's. */
  readonly spawnUpstream: boolean;
  /** Requests get headers that say where they stand in their trace. Those that they came with go on anyway. */
  readonly propagates: boolean;
  /** Undefined: the bootstrap's. */
  readonly provider: TraceProvider | undefined;
  readonly requestId: RequestIdConfig;
}

/** How request ids and traces go together. */
export interface RequestIdConfig {
  /** The decision is written into the id. Default: true. */
  readonly packReason: boolean;
  /** The id decides, so that all proxies on the way agree. Default: true. */
  readonly decides: boolean;
}

/** What a route changes about spans. */
export interface RouteTracing {
  readonly sampling: Sampling;
  readonly tags: readonly TagConfig[];
}

/** Keys of the runtime that replace the shares. Source: Envoy. */
const CLIENT_KEY = "tracing.client_enabled";
const RANDOM_KEY = "tracing.random_sampling";
const OVERALL_KEY = "tracing.global_enabled";

export const TRACING_SHAPE = shape(
  HttpConnectionManager_TracingSchema,
  [
    "client_sampling",
    "random_sampling",
    "overall_sampling",
    "max_path_tag_length",
    "custom_tags",
    "provider",
    "spawn_upstream_span",
    "no_context_propagation",
  ],
  {},
  { verbose: "spans carry no log of stream events; leave it out" },
);

/** `childSpan`: the router asks for spans of tries, the older way to say it. */
export function decodeTracing(
  message: HttpConnectionManager,
  childSpan: boolean,
  scope: DecodeScope,
): TracingConfig | undefined {
  const tracing = message.tracing;
  const requestId = decodeRequestId(message, scope.field("request_id_extension"));
  if (tracing === undefined) return undefined;
  const at = scope.field("tracing");
  checkShape(TRACING_SHAPE, tracing, at);
  return {
    sampling: {
      client: percent(CLIENT_KEY, tracing.clientSampling),
      random: percent(RANDOM_KEY, tracing.randomSampling),
      overall: percent(OVERALL_KEY, tracing.overallSampling),
    },
    tags: decodeCustomTags(tracing.customTags, at.field("custom_tags")),
    maxPathLength: tracing.maxPathTagLength ?? 256,
    spawnUpstream: tracing.spawnUpstreamSpan ?? childSpan,
    propagates: !tracing.noContextPropagation,
    provider: tracing.provider === undefined ? undefined : decodeTraceProvider(tracing.provider, at.field("provider")),
    requestId,
  };
}

/** Undefined: as the connection manager says. */
export function decodeRouteTracing(message: Route["tracing"], scope: DecodeScope): RouteTracing | undefined {
  if (message === undefined) return undefined;
  const fraction = (key: string, value: Parameters<typeof fractionOf>[0] | undefined): RuntimeShare => ({
    key,
    base: value === undefined ? 1 : fractionOf(value),
  });
  return {
    sampling: {
      client: fraction(CLIENT_KEY, message.clientSampling),
      random: fraction(RANDOM_KEY, message.randomSampling),
      overall: fraction(OVERALL_KEY, message.overallSampling),
    },
    tags: decodeCustomTags(message.customTags, scope.field("custom_tags")),
  };
}

function percent(key: string, value: HttpConnectionManager_Tracing["clientSampling"]): RuntimeShare {
  return { key, base: value === undefined ? 1 : value.value / 100 };
}

const REQUEST_IDS: AnyTable<RequestIdConfig> = {
  [UuidRequestIdConfigSchema.typeName]: messageEntry(UuidRequestIdConfigSchema, (message) => ({
    packReason: message.packTraceReason ?? true,
    decides: message.useRequestIdForTraceSampling ?? true,
  })),
};

function decodeRequestId(message: HttpConnectionManager, scope: DecodeScope): RequestIdConfig {
  const config = message.requestIdExtension?.typedConfig;
  const found = config === undefined ? undefined : decodeAny(config, REQUEST_IDS, scope.field("typed_config"));
  return found ?? { packReason: true, decides: true };
}
