import type { JsonValue } from "@bufbuild/protobuf";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeDataText } from "./data-source.ts";
import { compileFormat, type Format } from "./format.ts";
import {
  type AccessLog,
  type AccessLogFilter,
  ComparisonFilter_Op,
  FileAccessLogSchema,
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
  type SubstitutionFormatString,
} from "./proto.ts";
import type { DecodeScope } from "./scope.ts";

/** How one line is written. */
export type LogLine =
  | { readonly kind: "text"; readonly format: Format }
  | { readonly kind: "json"; readonly fields: JsonFormat; readonly omitEmpty: boolean };

/** JSON with a format at each leaf. */
export type JsonFormat =
  | { readonly kind: "leaf"; readonly format: Format }
  | { readonly kind: "value"; readonly value: JsonValue }
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, JsonFormat])[] };

/** Which exchanges are written. */
export type LogFilter =
  | { readonly kind: "status"; readonly op: "eq" | "ge" | "le"; readonly value: number }
  | { readonly kind: "duration"; readonly op: "eq" | "ge" | "le"; readonly value: number }
  | { readonly kind: "flags"; readonly flags: readonly string[] }
  | { readonly kind: "not-health-check" }
  | { readonly kind: "and" | "or"; readonly filters: readonly LogFilter[] };

export interface AccessLogConfig {
  /** A path, or the process's own streams. */
  readonly path: string;
  readonly line: LogLine;
  readonly filter: LogFilter | undefined;
}

/** Envoy's default. Source: Envoy docs "Default format string". */
export const ENVOY_DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

type Sink = Pick<AccessLogConfig, "path" | "line">;

const LOGGERS: AnyTable<Sink> = {
  "envoy.extensions.access_loggers.file.v3.FileAccessLog": messageEntry(FileAccessLogSchema, (message, scope): Sink => {
    if (message.path === "") scope.field("path").problem("a file access log needs a path");
    const format = message.accessLogFormat;
    switch (format.case) {
      case "format":
        return { path: message.path, line: textLine(format.value, scope.field("format")) };
      case "jsonFormat":
      case "typedJsonFormat":
        return { path: message.path, line: jsonLine(format.value, false, scope.field("json_format")) };
      case "logFormat":
        return { path: message.path, line: decodeFormatString(format.value, scope.field("log_format")) };
      case undefined:
        return { path: message.path, line: textLine(ENVOY_DEFAULT_FORMAT, scope) };
    }
  }),
  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog": messageEntry(
    StdoutAccessLogSchema,
    (message, scope): Sink => ({
      path: "/dev/stdout",
      line:
        message.accessLogFormat.case === "logFormat"
          ? decodeFormatString(message.accessLogFormat.value, scope.field("log_format"))
          : textLine(ENVOY_DEFAULT_FORMAT, scope),
    }),
  ),
  "envoy.extensions.access_loggers.stream.v3.StderrAccessLog": messageEntry(
    StderrAccessLogSchema,
    (message, scope): Sink => ({
      path: "/dev/stderr",
      line:
        message.accessLogFormat.case === "logFormat"
          ? decodeFormatString(message.accessLogFormat.value, scope.field("log_format"))
          : textLine(ENVOY_DEFAULT_FORMAT, scope),
    }),
  ),
};

/** Access loggers that the proxy has; for the reference. */
export const ACCESS_LOG_TYPES: readonly string[] = Object.keys(LOGGERS);

export function decodeAccessLogs(messages: readonly AccessLog[], scope: DecodeScope): readonly AccessLogConfig[] {
  const logs: AccessLogConfig[] = [];
  messages.forEach((message, i) => {
    const at = scope.item(i);
    const sink = decodeAny(message.configType.value, LOGGERS, at.field("typed_config"));
    const filter = message.filter === undefined ? undefined : decodeFilter(message.filter, at.field("filter"));
    if (sink !== undefined) logs.push({ path: sink.path, line: sink.line, filter });
  });
  return logs;
}

function textLine(text: string, scope: DecodeScope): LogLine {
  return { kind: "text", format: compileFormat(text, scope) };
}

function jsonLine(value: JsonValue | undefined, omitEmpty: boolean, scope: DecodeScope): LogLine {
  return { kind: "json", fields: decodeJson(value ?? {}, scope), omitEmpty };
}

function decodeFormatString(message: SubstitutionFormatString, scope: DecodeScope): LogLine {
  switch (message.format.case) {
    case "textFormat":
      return textLine(message.format.value, scope.field("text_format"));
    case "textFormatSource":
      return textLine(
        decodeDataText(message.format.value, scope.field("text_format_source")) ?? "",
        scope.field("text_format_source"),
      );
    case "jsonFormat":
      return jsonLine(message.format.value, message.omitEmptyValues, scope.field("json_format"));
    case undefined:
      return textLine(ENVOY_DEFAULT_FORMAT, scope);
  }
}

function decodeJson(value: JsonValue, scope: DecodeScope): JsonFormat {
  if (typeof value === "string") return { kind: "leaf", format: compileFormat(value, scope) };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { kind: "value", value };
  return {
    kind: "object",
    entries: Object.entries(value).map(([key, item]) => [key, decodeJson(item, scope.field(key))] as const),
  };
}

const OPS = new Map<ComparisonFilter_Op, "eq" | "ge" | "le">([
  [ComparisonFilter_Op.EQ, "eq"],
  [ComparisonFilter_Op.GE, "ge"],
  [ComparisonFilter_Op.LE, "le"],
]);

function decodeFilter(message: AccessLogFilter, scope: DecodeScope): LogFilter | undefined {
  const specifier = message.filterSpecifier;
  switch (specifier.case) {
    case "statusCodeFilter":
    case "durationFilter": {
      const comparison = specifier.value.comparison;
      const kind = specifier.case === "statusCodeFilter" ? "status" : "duration";
      return {
        kind,
        op: OPS.get(comparison?.op ?? ComparisonFilter_Op.EQ) ?? "eq",
        value: comparison?.value?.defaultValue ?? 0,
      };
    }
    case "responseFlagFilter":
      return { kind: "flags", flags: specifier.value.flags };
    case "notHealthCheckFilter":
      return { kind: "not-health-check" };
    case "andFilter":
    case "orFilter": {
      const filters: LogFilter[] = [];
      specifier.value.filters.forEach((item, i) => {
        const filter = decodeFilter(item, scope.field("filters").item(i));
        if (filter !== undefined) filters.push(filter);
      });
      return { kind: specifier.case === "andFilter" ? "and" : "or", filters };
    }
    default:
      scope.problem(
        `the filter ${specifier.case ?? "(none)"} is not implemented; use status code, duration, response flag, and, or`,
      );
      return undefined;
  }
}
