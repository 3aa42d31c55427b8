import type { HttpService } from "@heddle/xds-api/envoy/config/core/v3/http_service";
import { OpenTelemetryConfigSchema } from "@heddle/xds-api/envoy/config/trace/v3/opentelemetry";
import {
  type ZipkinConfig,
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfig_TraceContextOption,
  ZipkinConfigSchema,
} from "@heddle/xds-api/envoy/config/trace/v3/zipkin";
import { EnvironmentResourceDetectorConfigSchema } from "@heddle/xds-api/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector";
import { StaticConfigResourceDetectorConfigSchema } from "@heddle/xds-api/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/static_config_resource_detector";
import { AlwaysOnSamplerConfigSchema } from "@heddle/xds-api/envoy/extensions/tracers/opentelemetry/samplers/v3/always_on_sampler";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeDuration } from "./duration-field.ts";
import { decodeGrpcService } from "./grpc-service.ts";
import { splitHttpUri } from "./http-uri.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Where requests to a collector go. */
export interface HttpTarget {
  readonly cluster: string;
  readonly authority: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Units: ms. */
  readonly timeoutMs: number;
}

/** Where OTLP goes; the path is for HTTP. */
export interface OtlpTarget extends HttpTarget {
  readonly transport: "grpc" | "http";
}

/** What says who sends to a collector. */
export interface ResourceAttributes {
  /** Attributes of the resource, from static detectors. */
  readonly resource: Readonly<Record<string, string>>;
  /** OTEL_RESOURCE_ATTRIBUTES counts too. */
  readonly fromEnvironment: boolean;
}

export interface OpenTelemetryTraces extends ResourceAttributes {
  readonly kind: "opentelemetry";
  /** Undefined: contexts go on, spans go nowhere. */
  readonly target: OtlpTarget | undefined;
  readonly serviceName: string;
  /** Every request that begins a trace is recorded, whatever the sampling says. */
  readonly alwaysOn: boolean;
}

export interface ZipkinTraces {
  readonly kind: "zipkin";
  readonly target: HttpTarget;
  /** Contexts are written in W3C's form, too. */
  readonly w3c: boolean;
  /** New traces have ids of 128 bits. */
  readonly longIds: boolean;
  /** The server's span has the id of its client's. */
  readonly sharedContext: boolean;
}

/** What a tracer writes, and where. */
export type TraceProvider = OpenTelemetryTraces | ZipkinTraces;

export const OPEN_TELEMETRY_SHAPE = shape(OpenTelemetryConfigSchema, [
  "grpc_service",
  "http_service",
  "service_name",
  "resource_detectors",
  "sampler",
]);
export const ZIPKIN_SHAPE = shape(
  ZipkinConfigSchema,
  [
    "collector_cluster",
    "collector_endpoint",
    "trace_id_128bit",
    "shared_span_context",
    "collector_hostname",
    "collector_endpoint_version",
    "trace_context_option",
    "collector_service",
  ],
  {},
  {},
  {
    only: {
      split_spans_for_request: { values: ["false"], reason: "use spawn_upstream_span of the connection manager" },
    },
  },
);

type Detector = { readonly typedConfig?: Parameters<typeof decodeAny>[0] };
type Detected = { readonly attributes: Readonly<Record<string, string>> } | { readonly environment: true };

const DETECTORS: AnyTable<Detected> = {
  [EnvironmentResourceDetectorConfigSchema.typeName]: messageEntry(
    EnvironmentResourceDetectorConfigSchema,
    (): Detected => ({ environment: true }),
  ),
  [StaticConfigResourceDetectorConfigSchema.typeName]: messageEntry(
    StaticConfigResourceDetectorConfigSchema,
    ({ attributes }): Detected => ({ attributes }),
  ),
};
const SAMPLERS: AnyTable<"always-on"> = {
  [AlwaysOnSamplerConfigSchema.typeName]: messageEntry(AlwaysOnSamplerConfigSchema, () => "always-on" as const),
};

export const TRACE_PROVIDERS: AnyTable<TraceProvider> = {
  [OpenTelemetryConfigSchema.typeName]: messageEntry(OpenTelemetryConfigSchema, (message, scope) => {
    checkShape(OPEN_TELEMETRY_SHAPE, message, scope);
    const detected = decodeDetectors(message.resourceDetectors, scope.field("resource_detectors"));
    const sampler =
      message.sampler === undefined
        ? undefined
        : decodeAny(message.sampler.typedConfig, SAMPLERS, scope.field("sampler.typed_config"));
    if (message.grpcService !== undefined && message.httpService !== undefined)
      scope.problem("only one of grpc_service, http_service may be set");
    return {
      kind: "opentelemetry",
      target:
        message.httpService === undefined
          ? message.grpcService && otlpOverGrpc(message.grpcService, scope.field("grpc_service"))
          : otlpOverHttp(message.httpService, scope.field("http_service")),
      serviceName: message.serviceName === "" ? "unknown_service:envoy" : message.serviceName,
      ...detected,
      alwaysOn: sampler !== undefined,
    };
  }),
  [ZipkinConfigSchema.typeName]: messageEntry(ZipkinConfigSchema, (message, scope) => {
    checkShape(ZIPKIN_SHAPE, message, scope);
    if (message.collectorEndpointVersion !== ZipkinConfig_CollectorEndpointVersion.HTTP_JSON)
      scope.field("collector_endpoint_version").problem("spans are written as JSON of version 2; use HTTP_JSON");
    return {
      kind: "zipkin",
      target: decodeZipkinTarget(message, scope),
      w3c: message.traceContextOption === ZipkinConfig_TraceContextOption.USE_B3_WITH_W3C_PROPAGATION,
      longIds: message.traceId128bit,
      sharedContext: message.sharedSpanContext ?? true,
    };
  }),
};

/** `collector_service` counts before the older fields, and may name a path alone. Source: Envoy `ZipkinConfig`. */
function decodeZipkinTarget(message: ZipkinConfig, scope: DecodeScope): HttpTarget {
  const { collectorCluster, collectorEndpoint, collectorHostname, collectorService } = message;
  if (collectorService !== undefined) {
    const found = decodeHttpTarget(collectorService, scope.field("collector_service"));
    if (found !== undefined) return found;
  } else {
    if (collectorCluster === "") scope.field("collector_cluster").problem("Zipkin needs a collector_cluster");
    if (collectorEndpoint === "")
      scope.field("collector_endpoint").problem("Zipkin needs a collector_endpoint, mostly /api/v2/spans");
  }
  return {
    cluster: collectorCluster,
    authority: collectorHostname === "" ? collectorCluster : collectorHostname,
    path: collectorEndpoint,
    headers: [],
    timeoutMs: ZIPKIN_TIMEOUT_MS,
  };
}

/** Tracers that the proxy has; for the reference. */
export const TRACE_PROVIDER_TYPES: readonly string[] = Object.keys(TRACE_PROVIDERS);

type Provider = { readonly configType: { readonly case?: unknown; readonly value?: Parameters<typeof decodeAny>[0] } };

export function decodeTraceProvider(message: Provider, scope: DecodeScope): TraceProvider | undefined {
  return decodeAny(message.configType.value, TRACE_PROVIDERS, scope.field("typed_config"));
}

/** Errors: unknown detectors. */
export function decodeDetectors(messages: readonly Detector[], scope: DecodeScope): ResourceAttributes {
  const resource: Record<string, string> = {};
  let fromEnvironment = false;
  messages.forEach((detector, i) => {
    const found = decodeAny(detector.typedConfig, DETECTORS, scope.item(i).field("typed_config"));
    if (found === undefined) return;
    if ("environment" in found) fromEnvironment = true;
    else Object.assign(resource, found.attributes);
  });
  return { resource, fromEnvironment };
}

export function otlpOverGrpc(
  message: Parameters<typeof decodeGrpcService>[0],
  scope: DecodeScope,
): OtlpTarget | undefined {
  const server = decodeGrpcService(message, scope);
  if (server === undefined) return undefined;
  const { cluster, authority, metadata, timeoutMs = DEFAULT_TIMEOUT_MS } = server;
  return { transport: "grpc", cluster, authority, path: "", headers: metadata, timeoutMs };
}

export function otlpOverHttp(message: HttpService, scope: DecodeScope): OtlpTarget | undefined {
  const target = decodeHttpTarget(message, scope);
  return target && { transport: "http", ...target };
}

function decodeHttpTarget(message: HttpService, scope: DecodeScope): HttpTarget | undefined {
  const uri = message.httpUri;
  const at = scope.field("http_uri");
  if (uri?.httpUpstreamType.case !== "cluster") {
    at.field("cluster").problem("the service must be named by a cluster");
    return undefined;
  }
  const cluster = uri.httpUpstreamType.value;
  if (uri.uri === "") at.field("uri").problem("is needed; write http://host:4318/v1/traces");
  const { authority, path } = splitHttpUri(uri.uri);
  return {
    cluster,
    authority: authority === "" ? cluster : authority,
    path,
    headers: message.requestHeadersToAdd.map(
      ({ header }) => [header?.key.toLowerCase() ?? "", header?.value ?? ""] as const,
    ),
    timeoutMs: decodeDuration(uri.timeout, at.field("timeout")) ?? DEFAULT_TIMEOUT_MS,
  };
}

/** Units: ms. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** Source: Envoy's Zipkin reporter. */
const ZIPKIN_TIMEOUT_MS = 5000;
