import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Fields, setOwn } from "./field-value.ts";

const NAMES = { value: "google.protobuf.Value", list: "google.protobuf.ListValue", struct: "google.protobuf.Struct" };

/** The JSON object that a `Struct` message means. */
export function structToJson(struct: Fields): JsonObject {
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(struct["fields"] as Record<string, Fields>))
    setOwn(out, key, valueToJson(value));
  return out;
}

function valueToJson(value: Fields): JsonValue {
  const kind = value["kind"] as { readonly case: string | undefined; readonly value?: unknown };
  switch (kind.case) {
    case "structValue":
      return structToJson(kind.value as Fields);
    case "listValue":
      return ((kind.value as Fields)["values"] as Fields[]).map(valueToJson);
    case undefined:
    case "nullValue":
      return null;
    default:
      return kind.value as JsonValue;
  }
}

/** The `Struct` message of a JSON object. */
export function structOfJson(json: JsonObject): Fields {
  const fields: Fields = {};
  for (const [key, value] of Object.entries(json)) setOwn(fields, key, valueOfJson(value));
  return { $typeName: NAMES.struct, fields };
}

function valueOfJson(json: JsonValue): Fields {
  return { $typeName: NAMES.value, kind: kindOfJson(json) };
}

function kindOfJson(json: JsonValue): { readonly case: string; readonly value: unknown } {
  if (json === null) return { case: "nullValue", value: 0 };
  if (Array.isArray(json))
    return { case: "listValue", value: { $typeName: NAMES.list, values: json.map(valueOfJson) } };
  switch (typeof json) {
    case "number":
      return { case: "numberValue", value: json };
    case "string":
      return { case: "stringValue", value: json };
    case "boolean":
      return { case: "boolValue", value: json };
    default:
      return { case: "structValue", value: structOfJson(json) };
  }
}
