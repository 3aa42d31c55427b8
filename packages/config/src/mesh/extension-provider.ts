import { list, map, message } from "../schema/compound.ts";
import { anyJson, boolean, duration, oneOf, port, string, uint32 } from "../schema/scalar.ts";
import { type Infer, ignored, notYet, required, unavailable } from "../schema/schema.ts";

const header = message("HttpHeader", {
  name: required(string()),
  value: string(),
  envName: ignored(string(), "write the value"),
});

const service = { service: required(string()), port: required(port()) };
const noSuchTracer = "spans go to opentelemetry or zipkin; an OpenTelemetry collector passes them on to this backend";

/** A backend that telemetry and policies may name. Source: istio/api mesh/v1alpha1/config.proto, MeshConfig.ExtensionProvider. */
export const extensionProvider = message("ExtensionProvider", {
  name: required(string()),
  envoyFileAccessLog: message("EnvoyFileAccessLogProvider", {
    path: required(string()),
    logFormat: message("LogFormat", { text: string(), labels: map(anyJson()) }, { exclusive: [["text", "labels"]] }),
    omitEmptyValues: notYet(boolean()),
  }),
  prometheus: anyJson(),
  envoyHttpAls: message("EnvoyHttpGrpcV3LogProvider", {
    ...service,
    logName: string(),
    filterStateObjectsToLog: ignored(list(string()), "filter state is not kept"),
    additionalRequestHeadersToLog: list(string()),
    additionalResponseHeadersToLog: list(string()),
    additionalResponseTrailersToLog: ignored(list(string()), "trailers are not kept"),
  }),
  envoyTcpAls: message("EnvoyTcpGrpcV3LogProvider", {
    ...service,
    logName: string(),
    filterStateObjectsToLog: ignored(list(string()), "filter state is not kept"),
  }),
  envoyOtelAls: notYet(anyJson()),
  envoyExtAuthzHttp: notYet(anyJson()),
  envoyExtAuthzGrpc: notYet(anyJson()),
  zipkin: message("ZipkinTracingProvider", {
    ...service,
    maxTagLength: uint32(),
    enable64bitTraceId: boolean(),
    path: string(),
    traceContextOption: ignored(
      oneOf("USE_B3", "USE_B3_WITH_W3C_PROPAGATION"),
      "the built-in proxy reads both and answers in the form that came",
    ),
    timeout: ignored(duration(), "a report has five seconds"),
    headers: ignored(list(header), "Zipkin's exporter has no headers of its own"),
  }),
  opentelemetry: message("OpenTelemetryTracingProvider", {
    ...service,
    maxTagLength: uint32(),
    http: message("HttpService", { path: string(), timeout: duration(), headers: list(header) }),
    grpc: message("GrpcService", { timeout: duration(), initialMetadata: list(header) }),
    resourceDetectors: message("ResourceDetectors", {
      environment: message("EnvironmentResourceDetector", {}),
      dynatrace: ignored(anyJson(), "only Dynatrace's own agents have what it reads"),
    }),
    serviceAttributeEnrichment: ignored(
      oneOf("ISTIO_CANONICAL", "OTEL_SEMANTIC_CONVENTIONS"),
      "service.name is the canonical service and its namespace",
    ),
    dynatraceSampler: unavailable(anyJson(), "use randomSamplingPercentage of a Telemetry"),
  }),
  lightstep: unavailable(anyJson(), noSuchTracer),
  datadog: unavailable(anyJson(), noSuchTracer),
  stackdriver: unavailable(anyJson(), noSuchTracer),
  opencensus: unavailable(anyJson(), noSuchTracer),
  skywalking: unavailable(anyJson(), noSuchTracer),
  sds: notYet(anyJson()),
});

export type ExtensionProvider = Infer<typeof extensionProvider>;
