import { isDict, list, text } from "../json/json-value.ts";
import { ANY_FIELD, ANY_TYPE, type FieldNode, type TypeNode } from "../schema/type-node.ts";
import { properties, type Schema } from "./structural-schema.ts";

const CACHE = new WeakMap<Schema, TypeNode>();

function fieldNode(schema: Schema): FieldNode {
  const type = schemaType(schema);
  const listType = schema["x-kubernetes-list-type"];
  const isList = type.shape === "list";
  const keys =
    listType === "map"
      ? list(schema["x-kubernetes-list-map-keys"]).map((key) => text(key))
      : listType === "set"
        ? "set"
        : undefined;
  return {
    ...ANY_FIELD,
    type,
    atomic: isList ? keys === undefined : schema["x-kubernetes-map-type"] === "atomic",
    keys,
  };
}

/** The type by which server-side apply reads custom resources. Without schema: maps by key, lists whole. */
export function schemaType(schema: Schema): TypeNode {
  const known = CACHE.get(schema);
  if (known) return known;
  const made = build(schema);
  CACHE.set(schema, made);
  return made;
}

function build(schema: Schema): TypeNode {
  const items = schema["items"];
  if (schema["type"] === "array" && isDict(items)) {
    return { shape: "list", name: "array", field: () => undefined, fields: () => [], item: schemaType(items) };
  }
  if (schema["type"] !== "object") return { ...ANY_TYPE, field: () => undefined };
  const rest = schema["additionalProperties"];
  const named = properties(schema);
  const other = isDict(rest) ? fieldNode(rest) : ANY_FIELD;
  const fields = new Map<string, FieldNode>();
  return {
    shape: isDict(rest) ? "map" : "struct",
    name: "object",
    field(key) {
      const present = fields.get(key);
      if (present) return present;
      const inner = named[key];
      const made = isDict(inner) ? fieldNode(inner) : other;
      fields.set(key, made);
      return made;
    },
    fields: () => [],
    item: isDict(rest) ? other.type : undefined,
  };
}

/** The whole object: metadata as in built-in kinds. */
export function customType(schema: Schema, metadata: TypeNode): TypeNode {
  const content = schemaType({ ...schema, type: "object" });
  return {
    ...content,
    field: (key) => (key === "metadata" ? { ...ANY_FIELD, type: metadata } : content.field(key)),
  };
}
