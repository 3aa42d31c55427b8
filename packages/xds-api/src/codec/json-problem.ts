import { type DescEnum, type DescField, type DescMessage, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { nearest } from "@heddle/std";

/** One thing wrong in a JSON form. */
export interface JsonProblem {
  /** Such as `load_assignment.endpoints[0].priority`; "": the value as a whole. */
  readonly path: string;
  readonly reason: string;
}

/** All of them in one line. */
export function jsonProblemText(problems: readonly JsonProblem[]): string {
  return problems.map(({ path, reason }) => (path === "" ? reason : `${path}: ${reason}`)).join("; ");
}

/** So many names are listed at most. */
const LISTED = 40;

export function unknownField(schema: DescMessage, key: string): string {
  const names = schema.fields.map(({ name }) => name);
  const close = nearest(key, names);
  if (names.length === 0) return `no such field: ${schema.typeName} has none`;
  return `no such field in ${schema.typeName}; ${close === undefined ? `it has ${listed(names)}` : `did you mean ${close}?`}`;
}

/** What a field's value, or one of its list's, must look like, and what stands there. */
export function wrongValue(field: DescField, json: JsonValue): string {
  const enumeration = field.enum;
  if (enumeration !== undefined && typeof json === "string") return unknownName(enumeration, json);
  const wanted = wantedBy(field);
  return `wants ${field.fieldKind === "map" ? `names with ${wanted} each` : wanted}, not ${shown(json)}`;
}

export function wrongMessage(schema: DescMessage, json: JsonValue): string {
  return `wants ${messageText(schema)}, not ${shown(json)}`;
}

export function wantsList(json: JsonValue): string {
  return `wants a list, not ${shown(json)}`;
}

export function wantsNames(json: JsonValue): string {
  return `wants names with a value each, not ${shown(json)}`;
}

function unknownName(enumeration: DescEnum, value: string): string {
  const names = enumeration.values.map(({ name }) => name);
  const close = nearest(value, names);
  return `${enumeration.typeName} has no ${JSON.stringify(value)}; it has ${listed(names)}${close === undefined ? "" : `; did you mean ${close}?`}`;
}

function wantedBy(field: DescField): string {
  if (field.message !== undefined) return messageText(field.message);
  if (field.enum !== undefined) return `one of ${listed(field.enum.values.map(({ name }) => name))}`;
  return field.scalar === undefined ? "another value" : scalarText(field.scalar);
}

const WELL_KNOWN: Readonly<Record<string, string>> = {
  "google.protobuf.Duration": "a time in seconds such as 5s or 0.25s (google.protobuf.Duration)",
  "google.protobuf.Timestamp": "a date such as 2030-01-31T00:00:00Z (google.protobuf.Timestamp)",
  "google.protobuf.Struct": "names with a value each",
  "google.protobuf.ListValue": "a list",
  "google.protobuf.FieldMask": "field names joined by commas",
  "google.protobuf.Empty": "{}",
  "google.protobuf.BoolValue": scalarText(ScalarType.BOOL),
  "google.protobuf.StringValue": scalarText(ScalarType.STRING),
  "google.protobuf.BytesValue": scalarText(ScalarType.BYTES),
  "google.protobuf.DoubleValue": scalarText(ScalarType.DOUBLE),
  "google.protobuf.FloatValue": scalarText(ScalarType.FLOAT),
  "google.protobuf.Int32Value": scalarText(ScalarType.INT32),
  "google.protobuf.Int64Value": scalarText(ScalarType.INT64),
  "google.protobuf.UInt32Value": scalarText(ScalarType.UINT32),
  "google.protobuf.UInt64Value": scalarText(ScalarType.UINT64),
};

function messageText(schema: DescMessage): string {
  return WELL_KNOWN[schema.typeName] ?? `the fields of ${schema.typeName}`;
}

function scalarText(scalar: ScalarType): string {
  switch (scalar) {
    case ScalarType.STRING:
      return "a text (a number or true needs quotes)";
    case ScalarType.BOOL:
      return "true or false";
    case ScalarType.BYTES:
      return "base64";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return "a number";
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return "a whole number from 0 to 4294967295";
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return "a whole number from 0";
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return "a whole number of 32 bits";
    default:
      return "a whole number";
  }
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, LISTED).join(", ")}${names.length > LISTED ? " …" : ""}`;
}

function shown(json: JsonValue): string {
  if (json === null) return "nothing (null)";
  if (Array.isArray(json)) return json.length === 0 ? "an empty list" : "a list";
  if (typeof json === "object") {
    const keys = Object.keys(json);
    return keys.length === 0 ? "{}" : `fields (${keys.slice(0, 3).join(", ")}${keys.length > 3 ? ", …" : ""})`;
  }
  const text = JSON.stringify(json);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
