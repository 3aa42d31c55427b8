import {
  type CommonGrpcAccessLogConfig,
  CommonGrpcAccessLogConfigSchema,
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/grpc/v3/als";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeDuration } from "./duration-field.ts";
import { decodeLogFilter, type LogFilter } from "./log-filter.ts";
import { decodeFormatString, ENVOY_DEFAULT_FORMAT, jsonLine, type LogLine, textLine } from "./log-line.ts";
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
  { readonly kind: "file"; readonly path: string; readonly line: LogLine } | GrpcLogConfig;

/** Entries go to an access log service. */
export interface GrpcLogConfig {
  readonly kind: "grpc";
  readonly cluster: string;
  readonly authority: string;
  readonly logName: string;
  /** Units: ms. Default: 1 s. */
  readonly flushMs: number;
  /** Entries are sent when this much waits. Units: bytes. Default: 16 KiB. */
  readonly bufferBytes: number;
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
}

export interface AccessLogConfig {
  readonly sink: LogSink;
  readonly filter: LogFilter | undefined;
}

export const GRPC_LOG_SHAPE = shape(
  CommonGrpcAccessLogConfigSchema,
  ["log_name", "grpc_service", "buffer_flush_interval", "buffer_size_bytes"],
  {
    transport_api_version: "there is version 3 only",
    grpc_stream_retry_policy: "entries that can't be sent are dropped and counted",
  },
  {
    filter_state_objects_to_log: "filter state is not kept",
    custom_tags: "put what you need into headers to log",
  },
);
export const HTTP_GRPC_LOG_SHAPE = shape(
  HttpGrpcAccessLogConfigSchema,
  ["common_config", "additional_request_headers_to_log", "additional_response_headers_to_log"],
  {},
  { additional_response_trailers_to_log: "trailers are not kept" },
);

const LOGGERS: AnyTable<LogSink> = {
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
    });
  }),
  [TcpGrpcAccessLogConfigSchema.typeName]: messageEntry(TcpGrpcAccessLogConfigSchema, (message, scope) =>
    grpcSink(message.commonConfig, scope, { requestHeaders: [], responseHeaders: [] }),
  ),
};

/** Access loggers that the proxy has; for the reference. */
export const ACCESS_LOG_TYPES: readonly string[] = Object.keys(LOGGERS);

export function decodeAccessLogs(messages: readonly AccessLog[], scope: DecodeScope): readonly AccessLogConfig[] {
  const logs: AccessLogConfig[] = [];
  messages.forEach((message, i) => {
    const at = scope.item(i);
    const sink = decodeAny(message.configType.value, LOGGERS, at.field("typed_config"));
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
  headers: Pick<GrpcLogConfig, "requestHeaders" | "responseHeaders">,
): GrpcLogConfig | undefined {
  const at = scope.field("common_config");
  if (message !== undefined) checkShape(GRPC_LOG_SHAPE, message, at);
  const target = message?.grpcService?.targetSpecifier;
  if (message === undefined || target?.case !== "envoyGrpc") {
    at.field("grpc_service").problem("the service must be named by envoy_grpc.cluster_name");
    return undefined;
  }
  if (message.logName === "") at.field("log_name").problem("an access log service needs a log_name");
  return {
    kind: "grpc",
    cluster: target.value.clusterName,
    authority: target.value.authority,
    logName: message.logName,
    flushMs: decodeDuration(message.bufferFlushInterval, at.field("buffer_flush_interval")) ?? 1000,
    bufferBytes: message.bufferSizeBytes ?? 16_384,
    ...headers,
  };
}
