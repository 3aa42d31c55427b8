import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { ExtensionProvider } from "@heddle/config";
import { formatClusterName, type LoggedMesh } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import type { AccessLogFilterSchema, AccessLogSchema } from "@heddle/xds-api/envoy/config/accesslog/v3/accesslog";
import { ApiVersion } from "@heddle/xds-api/envoy/config/core/v3/config_source";
import type { SubstitutionFormatStringSchema } from "@heddle/xds-api/envoy/config/core/v3/substitution_format_string";
import { FileAccessLogSchema } from "@heddle/xds-api/envoy/extensions/access_loggers/file/v3/file";
import { ExpressionFilterSchema } from "@heddle/xds-api/envoy/extensions/access_loggers/filters/cel/v3/cel";
import {
  type CommonGrpcAccessLogConfigSchema,
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/grpc/v3/als";
import { OpenTelemetryAccessLogConfigSchema } from "@heddle/xds-api/envoy/extensions/access_loggers/open_telemetry/v3/logs_service";
import {
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/stream/v3/stream";
import { CelSchema } from "@heddle/xds-api/envoy/extensions/formatter/cel/v3/cel";
import { MetadataSchema } from "@heddle/xds-api/envoy/extensions/formatter/metadata/v3/metadata";
import { ReqWithoutQuerySchema } from "@heddle/xds-api/envoy/extensions/formatter/req_without_query/v3/req_without_query";
import type { AnyValueSchema } from "@heddle/xds-api/opentelemetry/proto/common/v1/common";

type AccessLog = MessageInitShape<typeof AccessLogSchema>;
type AccessLogFilter = MessageInitShape<typeof AccessLogFilterSchema>;

/** Istio's default text line. Source: istio pilot/pkg/model/telemetry_logging.go. */
const textFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% ' +
  '%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" ' +
  '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% ' +
  "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

const jsonFormat: JsonObject = {
  start_time: "%START_TIME%",
  route_name: "%ROUTE_NAME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
};

/**
 * The access logs that MeshConfig asks for: `defaultProviders.accessLogging` (chosen for the workload by then), or `accessLogFile`; none
 * when both are empty. `filter` leaves entries out. A log service takes entries of its own protocol only.
 */
export function accessLogs(mesh: LoggedMesh, protocol: "http" | "tcp", always?: AccessLogFilter): AccessLog[] {
  const names = mesh.defaultProviders?.accessLogging ?? [];
  const builtIn = (filter: AccessLogFilter | undefined): AccessLog[] => {
    if (mesh.accessLogFile === "") return [];
    const custom = mesh.accessLogFormat;
    const format = mesh.accessLogEncoding === "JSON" ? json(customJson(custom) ?? jsonFormat) : text(custom);
    return [sink(mesh.accessLogFile, format, filter)];
  };
  if (names.length === 0) return builtIn(always);
  return names.flatMap((name) => {
    const filter = both(always, condition(mesh.accessLogFilters?.[name]));
    const provider = mesh.extensionProviders.find((one) => one.name === name);
    if (provider === undefined) return builtIn(filter);
    const file = provider.envoyFileAccessLog;
    if (file !== undefined) {
      const { labels = {}, text: line = "" } = file.logFormat ?? {};
      const fields = Object.keys(labels).length === 0 ? undefined : customJson(JSON.stringify(labels));
      const format = fields === undefined ? text(line) : json(fields);
      if (file.omitEmptyValues) format.value.omitEmptyValues = true;
      return [sink(file.path, format, filter)];
    }
    return logService(provider, protocol, filter);
  });
}

/**
 * The log of a listener itself: connections that no filter chain takes. Source: Istio, which writes it unless `disableEnvoyListenerLog`.
 */
export function listenerLogs(mesh: LoggedMesh): AccessLog[] {
  return mesh.disableEnvoyListenerLog ? [] : accessLogs(mesh, "tcp", NO_ROUTE);
}

const NO_ROUTE: AccessLogFilter = { filterSpecifier: { case: "responseFlagFilter", value: { flags: ["NR"] } } };

function condition(expression: string | undefined): AccessLogFilter | undefined {
  if (expression === undefined) return undefined;
  const typedConfig = packAny(ExpressionFilterSchema, create(ExpressionFilterSchema, { expression }));
  return {
    filterSpecifier: {
      case: "extensionFilter",
      value: {
        name: "envoy.access_loggers.extension_filters.cel",
        configType: { case: "typedConfig", value: typedConfig },
      },
    },
  };
}

function both(one: AccessLogFilter | undefined, other: AccessLogFilter | undefined): AccessLogFilter | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return { filterSpecifier: { case: "andFilter", value: { filters: [one, other] } } };
}

function logService(
  { envoyHttpAls: http, envoyTcpAls: tcp, envoyOtelAls: otel }: ExtensionProvider,
  protocol: "http" | "tcp",
  filter: AccessLogFilter | undefined,
): AccessLog[] {
  if (protocol === "http" && http !== undefined) {
    const message = create(HttpGrpcAccessLogConfigSchema, {
      commonConfig: grpcLog(http, "http_envoy_accesslog"),
      additionalRequestHeadersToLog: [...http.additionalRequestHeadersToLog],
      additionalResponseHeadersToLog: [...http.additionalResponseHeadersToLog],
    });
    return [logger("envoy.access_loggers.http_grpc", packAny(HttpGrpcAccessLogConfigSchema, message), filter)];
  }
  if (protocol === "tcp" && tcp !== undefined) {
    const message = create(TcpGrpcAccessLogConfigSchema, { commonConfig: grpcLog(tcp, "tcp_envoy_accesslog") });
    return [logger("envoy.access_loggers.tcp_grpc", packAny(TcpGrpcAccessLogConfigSchema, message), filter)];
  }
  if (otel !== undefined) {
    const value = packAny(
      OpenTelemetryAccessLogConfigSchema,
      create(OpenTelemetryAccessLogConfigSchema, otelLog(otel)),
    );
    return [logger("envoy.access_loggers.open_telemetry", value, filter)];
  }
  return [];
}

/** The text is the body, labels are attributes. Source: istio buildOpenTelemetryAccessLogConfig. */
function otelLog(
  otel: NonNullable<ExtensionProvider["envoyOtelAls"]>,
): MessageInitShape<typeof OpenTelemetryAccessLogConfigSchema> {
  const { text: line = "", labels = {} } = otel.logFormat ?? {};
  const values = Object.entries(labels).map(([key, value]) => ({ key, value: otelValue(value) }));
  return {
    commonConfig: grpcLog(otel, "otel_envoy_accesslog"),
    disableBuiltinLabels: true,
    formatters: formattersFor(JSON.stringify([line, labels])),
    body: otelValue(line === "" ? textFormat : line),
    ...(values.length === 0 ? {} : { attributes: { values } }),
  };
}

/** Numbers become text: Envoy takes texts, lists and maps of them only. */
function otelValue(value: unknown): MessageInitShape<typeof AnyValueSchema> {
  if (Array.isArray(value)) return { value: { case: "arrayValue", value: { values: value.map(otelValue) } } };
  if (typeof value === "object" && value !== null) {
    const values = Object.entries(value).map(([key, item]) => ({ key, value: otelValue(item) }));
    return { value: { case: "kvlistValue", value: { values } } };
  }
  return { value: { case: "stringValue", value: String(value ?? "") } };
}

function grpcLog(
  { service, port, logName }: Pick<NonNullable<ExtensionProvider["envoyTcpAls"]>, "service" | "port" | "logName">,
  defaultName: string,
): MessageInitShape<typeof CommonGrpcAccessLogConfigSchema> {
  const clusterName = formatClusterName({ direction: "outbound", port, subset: "", hostname: service });
  return {
    logName: logName || defaultName,
    transportApiVersion: ApiVersion.V3,
    grpcService: { targetSpecifier: { case: "envoyGrpc", value: { clusterName, authority: service } } },
  };
}

function json(value: JsonObject): LogFormat {
  return {
    case: "logFormat",
    value: { format: { case: "jsonFormat", value }, formatters: formattersFor(JSON.stringify(value)) },
  };
}

function text(line: string): LogFormat {
  const inlineString = line === "" ? textFormat : line;
  return {
    case: "logFormat",
    value: {
      format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: inlineString } } },
      formatters: formattersFor(inlineString),
    },
  };
}

/** Commands that real Envoy has by extensions only. Source: istio pilot/pkg/model/telemetry_logging.go, accessLogFormatters. */
function formattersFor(text: string): { name: string; typedConfig: Any }[] {
  return FORMATTERS.filter(({ command }) => text.includes(command)).map(({ name, typedConfig }) => ({
    name,
    typedConfig,
  }));
}

const FORMATTERS = [
  {
    command: "%REQ_WITHOUT_QUERY(",
    name: "envoy.formatter.req_without_query",
    typedConfig: packAny(ReqWithoutQuerySchema, create(ReqWithoutQuerySchema)),
  },
  {
    command: "%METADATA(",
    name: "envoy.formatter.metadata",
    typedConfig: packAny(MetadataSchema, create(MetadataSchema)),
  },
  { command: "%CEL(", name: "envoy.formatter.cel", typedConfig: packAny(CelSchema, create(CelSchema)) },
];

function logger(name: string, value: Any, filter: AccessLogFilter | undefined): AccessLog {
  return { name, configType: { case: "typedConfig", value }, ...(filter === undefined ? {} : { filter }) };
}

type LogFormat = { case: "logFormat"; value: MessageInitShape<typeof SubstitutionFormatStringSchema> };

/** The process's own streams by their logger: Envoy cannot open them by path where they are sockets. */
function sink(path: string, accessLogFormat: LogFormat, filter: AccessLogFilter | undefined): AccessLog {
  if (path === "/dev/stdout") {
    return logger(
      "envoy.access_loggers.stdout",
      packAny(StdoutAccessLogSchema, create(StdoutAccessLogSchema, { accessLogFormat })),
      filter,
    );
  }
  if (path === "/dev/stderr") {
    return logger(
      "envoy.access_loggers.stderr",
      packAny(StderrAccessLogSchema, create(StderrAccessLogSchema, { accessLogFormat })),
      filter,
    );
  }
  return logger(
    "envoy.access_loggers.file",
    packAny(FileAccessLogSchema, create(FileAccessLogSchema, { path, accessLogFormat })),
    filter,
  );
}

/** `accessLogFormat` as a JSON object of operators; undefined when it is empty or not one. */
function customJson(text: string): JsonObject | undefined {
  if (text === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
