import type { JsonValue } from "@bufbuild/protobuf";
import { SubstitutionFormatStringSchema } from "@heddle/xds-api/envoy/config/core/v3/substitution_format_string";
import { decodeDataText } from "./data-source.ts";
import { compileFormat, type Format, type FormatValues, renderFormat } from "./format.ts";
import { commandJson } from "./format-operators.ts";
import { checkFormatters } from "./formatters.ts";
import type { SubstitutionFormatString } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** How one line, or the body of a local reply, is written. */
export type LogLine =
  | { readonly kind: "text"; readonly format: Format; readonly omitEmpty: boolean }
  | { readonly kind: "json"; readonly fields: JsonFormat; readonly omitEmpty: boolean };

/** JSON with a format at each leaf. */
export type JsonFormat =
  | { readonly kind: "leaf"; readonly format: Format }
  | { readonly kind: "value"; readonly value: JsonValue }
  | { readonly kind: "list"; readonly items: readonly JsonFormat[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, JsonFormat])[] };

/** Envoy's default. Source: Envoy docs "Default format string". */
export const ENVOY_DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

export const FORMAT_STRING_SHAPE = shape(
  SubstitutionFormatStringSchema,
  ["text_format", "json_format", "text_format_source", "omit_empty_values", "content_type", "formatters"],
  {},
  {},
  { only: { json_format_options: { values: ["{}"], reason: "fields keep the order of the configuration" } } },
);

export function textLine(text: string, scope: DecodeScope, omitEmpty = false): LogLine {
  return { kind: "text", format: compileFormat(text, scope), omitEmpty };
}

export function jsonLine(value: JsonValue | undefined, omitEmpty: boolean, scope: DecodeScope): LogLine {
  return { kind: "json", fields: decodeJson(value ?? {}, scope), omitEmpty };
}

/** What stands for a value that is not there. */
export function missingText(line: LogLine): "" | "-" {
  return line.omitEmpty ? "" : "-";
}

export function decodeFormatString(message: SubstitutionFormatString, scope: DecodeScope): LogLine {
  checkShape(FORMAT_STRING_SHAPE, message, scope);
  checkFormatters(message.formatters, scope.field("formatters"));
  switch (message.format.case) {
    case "textFormat":
      return textLine(message.format.value, scope.field("text_format"), message.omitEmptyValues);
    case "textFormatSource":
      return textLine(
        decodeDataText(message.format.value, scope.field("text_format_source")) ?? "",
        scope.field("text_format_source"),
        message.omitEmptyValues,
      );
    case "jsonFormat":
      return jsonLine(message.format.value, message.omitEmptyValues, scope.field("json_format"));
    case undefined:
      return textLine(ENVOY_DEFAULT_FORMAT, scope);
  }
}

function decodeJson(value: JsonValue, scope: DecodeScope): JsonFormat {
  if (typeof value === "string") return { kind: "leaf", format: compileFormat(value, scope) };
  if (typeof value !== "object" || value === null) return { kind: "value", value };
  if (Array.isArray(value)) return { kind: "list", items: value.map((item, i) => decodeJson(item, scope.item(i))) };
  return {
    kind: "object",
    entries: Object.entries(value).map(([key, item]) => [key, decodeJson(item, scope.field(key))] as const),
  };
}

/** The text of a line; JSON ends with an end of line, as Envoy writes it. */
export function renderLine(line: LogLine, values: FormatValues): string {
  if (line.kind === "text") return renderFormat(line.format, values, missingText(line));
  return `${JSON.stringify(renderJson(line.fields, values, line.omitEmpty))}\n`;
}

function renderJson(format: JsonFormat, values: FormatValues, omitEmpty: boolean): JsonValue | undefined {
  switch (format.kind) {
    case "value":
      return format.value;
    case "leaf": {
      const [only, ...more] = format.format.segments;
      // A field that is one command keeps its kind: numbers stay numbers, missing values are null.
      if (only === undefined || typeof only === "string" || more.length > 0)
        return renderFormat(format.format, values, omitEmpty ? "" : "-");
      return commandJson(only, values) ?? (omitEmpty ? undefined : null);
    }
    case "list": {
      const out: JsonValue[] = [];
      for (const item of format.items) {
        const value = renderJson(item, values, omitEmpty);
        if (value !== undefined) out.push(value);
      }
      return out;
    }
    case "object": {
      const out: Record<string, JsonValue> = {};
      for (const [key, item] of format.entries) {
        const value = renderJson(item, values, omitEmpty);
        if (value !== undefined) out[key] = value;
      }
      return out;
    }
  }
}
