import {
  type CommonGrpcAccessLogConfig,
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/grpc/v3/als";
import { OpenTelemetryAccessLogConfigSchema } from "@heddle/xds-api/envoy/extensions/access_loggers/open_telemetry/v3/logs_service";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { type GrpcLogExtras, type GrpcLogTarget, grpcLogExtras, grpcLogTarget } from "./grpc-log-target.ts";
import { decodeLogFilter, type LogFilter } from "./log-filter.ts";
import { decodeFormatString, ENVOY_DEFAULT_FORMAT, jsonLine, type LogLine, textLine } from "./log-line.ts";
import { decodeOtelLog, type OtelLogConfig } from "./otel-log.ts";
import {
  type AccessLog,
  FileAccessLogSchema,
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
  type SubstitutionFormatString,
} from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Where lines go. */
export type LogSink =
  /** A path, or the process's own streams. */
  { readonly kind: "file"; readonly path: string; readonly line: LogLine } | GrpcLogConfig | OtelLogConfig;

/** Entries go to an access log service. */
export interface GrpcLogConfig extends GrpcLogTarget, GrpcLogExtras, LoggedHeaders {
  readonly kind: "grpc";
}

interface LoggedHeaders {
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly responseTrailers: readonly string[];
}

export interface AccessLogConfig {
  readonly sink: LogSink;
  readonly filter: LogFilter | undefined;
}

export const HTTP_GRPC_LOG_SHAPE = shape(HttpGrpcAccessLogConfigSchema, [
  "common_config",
  "additional_request_headers_to_log",
  "additional_response_headers_to_log",
  "additional_response_trailers_to_log",
]);

export const ACCESS_LOGS: AnyTable<LogSink> = {
  "envoy.extensions.access_loggers.file.v3.FileAccessLog": messageEntry(
    FileAccessLogSchema,
    (message, scope): LogSink => {
      if (message.path === "") scope.field("path").problem("a file access log needs a path");
      const format = message.accessLogFormat;
      const file = (line: LogLine): LogSink => ({ kind: "file", path: message.path, line });
      switch (format.case) {
        case "format":
          return file(textLine(format.value, scope.field("format")));
        case "jsonFormat":
        case "typedJsonFormat":
          return file(jsonLine(format.value, false, scope.field("json_format")));
        case "logFormat":
          return file(decodeFormatString(format.value, scope.field("log_format")));
        case undefined:
          return file(textLine(ENVOY_DEFAULT_FORMAT, scope));
      }
    },
  ),
  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog": messageEntry(StdoutAccessLogSchema, (message, scope) =>
    streamSink("/dev/stdout", message.accessLogFormat.value, scope),
  ),
  "envoy.extensions.access_loggers.stream.v3.StderrAccessLog": messageEntry(StderrAccessLogSchema, (message, scope) =>
    streamSink("/dev/stderr", message.accessLogFormat.value, scope),
  ),
  [HttpGrpcAccessLogConfigSchema.typeName]: messageEntry(HttpGrpcAccessLogConfigSchema, (message, scope) => {
    checkShape(HTTP_GRPC_LOG_SHAPE, message, scope);
    const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase());
    return grpcSink(message.commonConfig, scope, {
      requestHeaders: lower(message.additionalRequestHeadersToLog),
      responseHeaders: lower(message.additionalResponseHeadersToLog),
      responseTrailers: lower(message.additionalResponseTrailersToLog),
    });
  }),
  [TcpGrpcAccessLogConfigSchema.typeName]: messageEntry(TcpGrpcAccessLogConfigSchema, (message, scope) =>
    grpcSink(message.commonConfig, scope, { requestHeaders: [], responseHeaders: [], responseTrailers: [] }),
  ),
  [OpenTelemetryAccessLogConfigSchema.typeName]: messageEntry(OpenTelemetryAccessLogConfigSchema, decodeOtelLog),
};

/** Access loggers that the proxy has; for the reference. */
export const ACCESS_LOG_TYPES: readonly string[] = Object.keys(ACCESS_LOGS);

export function decodeAccessLogs(messages: readonly AccessLog[], scope: DecodeScope): readonly AccessLogConfig[] {
  const logs: AccessLogConfig[] = [];
  messages.forEach((message, i) => {
    const at = scope.item(i);
    const sink = decodeAny(message.configType.value, ACCESS_LOGS, at.field("typed_config"));
    const filter = message.filter === undefined ? undefined : decodeLogFilter(message.filter, at.field("filter"));
    if (sink !== undefined) logs.push({ sink, filter });
  });
  return logs;
}

function streamSink(path: string, format: SubstitutionFormatString | undefined, scope: DecodeScope): LogSink {
  return {
    kind: "file",
    path,
    line:
      format === undefined
        ? textLine(ENVOY_DEFAULT_FORMAT, scope)
        : decodeFormatString(format, scope.field("log_format")),
  };
}

function grpcSink(
  message: CommonGrpcAccessLogConfig | undefined,
  scope: DecodeScope,
  headers: LoggedHeaders,
): GrpcLogConfig | undefined {
  const target = grpcLogTarget(message, scope);
  return target && { kind: "grpc", ...target, ...grpcLogExtras(message, scope), ...headers };
}
