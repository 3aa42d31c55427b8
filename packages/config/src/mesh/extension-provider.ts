import { callValue, headerName, logFormat, logLabels, metadataName } from "../istio/http-text.ts";
import { list, map, message } from "../schema/compound.ts";
import { anyJson, boolean, duration, int, oneOf, port, string, uint32 } from "../schema/scalar.ts";
import { type Infer, ignored, refine, remarked, required, unavailable, withDefault } from "../schema/schema.ts";

/** A header of requests to a backend. `envName` is a variable of the control plane's environment, for what is secret. */
const headerWith = (name: typeof headerName) =>
  message(
    "HttpHeader",
    { name: required(name), value: callValue, envName: string() },
    { exactlyOne: [["value", "envName"]] },
  );
const header = headerWith(headerName);

const service = { service: required(string()), port: required(port()) };
const noSuchTracer = "spans go to opentelemetry or zipkin; an OpenTelemetry collector passes them on to this backend";

/** An access log service: entries go to it in Envoy's messages. */
const logService = {
  ...service,
  /** Default: `http_envoy_accesslog`, `tcp_envoy_accesslog`. */
  logName: string(),
  filterStateObjectsToLog: ignored(list(string()), "filter state is not kept"),
};

/** A service that decides about requests, for AuthorizationPolicy CUSTOM. */
const authorizer = {
  ...service,
  /** Default: 600 s. */
  timeout: duration(),
  failOpen: withDefault(boolean(), false),
  clearRouteCache: withDefault(boolean(), false),
  /** Answer when the service cannot be asked. Default: 403. */
  statusOnError: refine(string(), (text) =>
    /^[1-5]\d\d$/.test(text) ? undefined : `"${text}" is no status of HTTP, such as "503"`,
  ),
  includeRequestBodyInCheck: message("EnvoyExternalAuthorizationRequestBody", {
    maxRequestBytes: withDefault(int(1), 1024),
    allowPartialMessage: withDefault(boolean(), false),
    packAsBytes: withDefault(boolean(), false),
  }),
};

/** A backend that telemetry and policies may name. Source: istio/api mesh/v1alpha1/config.proto, MeshConfig.ExtensionProvider. */
export const extensionProvider = message("ExtensionProvider", {
  name: required(string()),
  envoyFileAccessLog: message("EnvoyFileAccessLogProvider", {
    path: required(string()),
    logFormat: message("LogFormat", { text: logFormat, labels: logLabels }, { exclusive: [["text", "labels"]] }),
    omitEmptyValues: withDefault(boolean(), false),
  }),
  prometheus: anyJson(),
  envoyHttpAls: message("EnvoyHttpGrpcV3LogProvider", {
    ...logService,
    additionalRequestHeadersToLog: list(string()),
    additionalResponseHeadersToLog: list(string()),
    additionalResponseTrailersToLog: ignored(list(string()), "trailers are not kept"),
  }),
  envoyTcpAls: message("EnvoyTcpGrpcV3LogProvider", logService),
  envoyOtelAls: message("EnvoyOpenTelemetryLogProvider", {
    ...service,
    /** Default: `otel_envoy_accesslog`. */
    logName: string(),
    /** Unlike in files the text is the entry's body and the labels are its attributes: both may be there. */
    logFormat: message("LogFormat", { text: logFormat, labels: logLabels }),
  }),
  envoyExtAuthzHttp: message("EnvoyExternalAuthorizationHttpProvider", {
    ...authorizer,
    pathPrefix: string(),
    includeRequestHeadersInCheck: list(string()),
    // The old name.
    includeHeadersInCheck: list(string()),
    includeAdditionalHeadersInCheck: map(string()),
    headersToUpstreamOnAllow: list(string()),
    headersToDownstreamOnDeny: list(string()),
    headersToDownstreamOnAllow: list(string()),
  }),
  envoyExtAuthzGrpc: message("EnvoyExternalAuthorizationGrpcProvider", authorizer),
  zipkin: message("ZipkinTracingProvider", {
    ...service,
    maxTagLength: uint32(),
    enable64bitTraceId: boolean(),
    path: string(),
    /** Default: USE_B3; the built-in proxy also goes on with W3C's headers where a request came with them. */
    traceContextOption: oneOf("USE_B3", "USE_B3_WITH_W3C_PROPAGATION"),
    /** Of a report. Default: 5 s. */
    timeout: duration(),
    headers: list(header),
  }),
  opentelemetry: message("OpenTelemetryTracingProvider", {
    ...service,
    maxTagLength: uint32(),
    http: message("HttpService", { path: string(), timeout: duration(), headers: list(header) }),
    grpc: message("GrpcService", { timeout: duration(), initialMetadata: list(headerWith(metadataName)) }),
    resourceDetectors: message("ResourceDetectors", {
      environment: message("EnvironmentResourceDetector", {}),
      dynatrace: ignored(anyJson(), "only Dynatrace's own agents have what it reads"),
    }),
    /** Default: ISTIO_CANONICAL. */
    serviceAttributeEnrichment: remarked(
      oneOf("ISTIO_CANONICAL", "OTEL_SEMANTIC_CONVENTIONS"),
      "by the pod's labels: service.name, service.namespace and service.version; annotations of OpenTelemetry's operator and service.instance.id do not count",
    ),
    dynatraceSampler: unavailable(anyJson(), "use randomSamplingPercentage of a Telemetry"),
  }),
  lightstep: unavailable(anyJson(), noSuchTracer),
  datadog: unavailable(anyJson(), noSuchTracer),
  stackdriver: unavailable(anyJson(), noSuchTracer),
  opencensus: unavailable(anyJson(), noSuchTracer),
  skywalking: unavailable(anyJson(), noSuchTracer),
  sds: ignored(anyJson(), "certificates come from Secrets and files"),
});

export type ExtensionProvider = Infer<typeof extensionProvider>;
