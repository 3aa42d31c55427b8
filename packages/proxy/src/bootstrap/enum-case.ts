import type { DescEnum, DescField, DescMessage, JsonValue, Registry } from "@bufbuild/protobuf";
import { type Fields, isFields } from "./json-value.ts";

/**
 * Enum names in any case become those of the schema, as Envoy's own reader does (`strict_dns`, `round_robin`). Everything else is kept, so
 * that the strict reader after this one still names what is wrong.
 */
export function foldEnumCase(value: JsonValue, schema: DescMessage, registry: Registry): JsonValue {
  if (!isFields(value)) return value;
  const type = value["@type"];
  if (schema.typeName === "google.protobuf.Any" && typeof type === "string") {
    const found = registry.getMessage(type.slice(type.lastIndexOf("/") + 1));
    return found === undefined ? value : { ...foldFields(value, found, registry), "@type": type };
  }
  if (schema.typeName.startsWith("google.protobuf.")) return value;
  return foldFields(value, schema, registry);
}

function foldFields(value: Fields, schema: DescMessage, registry: Registry): Fields {
  const out: Fields = {};
  for (const [key, item] of Object.entries(value)) {
    const field = schema.fields.find((f) => f.name === key || f.jsonName === key);
    out[key] = field === undefined ? item : foldField(item, field, registry);
  }
  return out;
}

function foldField(value: JsonValue, field: DescField, registry: Registry): JsonValue {
  if (field.fieldKind === "list") {
    return Array.isArray(value) ? value.map((item) => foldOne(item, field.enum, field.message, registry)) : value;
  }
  if (field.fieldKind === "map") {
    if (!isFields(value)) return value;
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([k, v]) => [k, foldOne(v, field.enum, field.message, registry)]));
  }
  return foldOne(value, field.enum, field.message, registry);
}

function foldOne(
  value: JsonValue,
  enumeration: DescEnum | undefined,
  message: DescMessage | undefined,
  registry: Registry,
): JsonValue {
  if (message !== undefined) return foldEnumCase(value, message, registry);
  if (enumeration === undefined || typeof value !== "string") return value;
  const wanted = value.toUpperCase();
  return enumeration.values.find((v) => v.name.toUpperCase() === wanted)?.name ?? value;
}
