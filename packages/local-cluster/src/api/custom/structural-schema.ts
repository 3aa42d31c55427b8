import { cloneValue, type Dict, type Draft, dict, isDict, text } from "../json/json-value.ts";

/** A schema of a CRD's version (`openAPIV3Schema`), read as it stands. */
export type Schema = Dict;

export function properties(schema: Schema): Dict {
  return dict(schema["properties"]);
}

export function property(schema: Schema, key: string): Schema | undefined {
  const found = properties(schema)[key];
  if (isDict(found)) return found;
  const rest = schema["additionalProperties"];
  return isDict(rest) ? rest : undefined;
}

function keepsUnknown(schema: Schema): boolean {
  const rest = schema["additionalProperties"];
  return schema["x-kubernetes-preserve-unknown-fields"] === true || isDict(rest) || rest === true;
}

function isDraft(value: unknown): value is Draft {
  return isDict(value);
}

/** Drops what the schema does not name; returns `unknown field "…"` for each. Embedded resources keep their type and metadata. */
export function prune(value: unknown, schema: Schema, path = ""): string[] {
  if (Array.isArray(value)) {
    const items = schema["items"];
    if (!isDict(items)) return [];
    return value.flatMap((item, index) => prune(item, items, `${path}[${index}]`));
  }
  if (!isDraft(value)) return [];
  const unknown: string[] = [];
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  for (const key of Object.keys(value)) {
    const here = path === "" ? key : `${path}.${key}`;
    if ((path === "" || embedded) && (key === "apiVersion" || key === "kind" || key === "metadata")) continue;
    const inner = property(schema, key);
    if (inner) unknown.push(...prune(value[key], inner, here));
    else if (!keepsUnknown(schema)) {
      unknown.push(`unknown field "${here}"`);
      delete value[key];
    }
  }
  return unknown;
}

/** Fills defaults in place. A null where the schema has a default and is not nullable counts as absent. */
export function fillSchemaDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = schema["items"];
    if (isDict(items)) for (const item of value) fillSchemaDefaults(item, items);
    return;
  }
  if (!isDraft(value)) return;
  for (const [key, inner] of Object.entries(properties(schema))) {
    if (!isDict(inner)) continue;
    const present = value[key];
    const absent = present === undefined || (present === null && inner["nullable"] !== true);
    if (absent && inner["default"] !== undefined) value[key] = cloneValue(inner["default"]);
  }
  for (const key of Object.keys(value)) {
    const inner = property(schema, key);
    if (inner) fillSchemaDefaults(value[key], inner);
  }
}

export function typeName(schema: Schema): string {
  return text(schema["type"]);
}
