import type { JsonValue } from "@bufbuild/protobuf";

/** A JSON object that may be rebuilt. */
export type Fields = Record<string, JsonValue>;

export function isFields(value: JsonValue | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as a list; one object stands for a list of one, as YAML writers often mean it. */
export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
