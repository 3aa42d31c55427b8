import type { Descriptions, FieldSchema, KubernetesSchema } from "../../api-schema/schema-format.ts";

export type RefPrefix = "#/components/schemas/" | "#/definitions/";

const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const RAW = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/** Types with an encoding of their own: explained by name, as the real server does. */
const SPECIAL: Readonly<Record<string, string>> = {
  Quantity: QUANTITY,
  IntOrString: INT_OR_STRING,
  Time: TIME,
  MicroTime: MICRO_TIME,
  Any: RAW,
};

const SPECIAL_SCHEMAS: Readonly<Record<string, object>> = {
  [QUANTITY]: {
    description: "Quantity is a fixed-point representation of a number.",
    oneOf: [{ type: "string" }, { type: "number" }],
  },
  [INT_OR_STRING]: {
    description:
      "IntOrString is a type that can hold an int32 or a string.  When used in JSON or YAML marshalling and unmarshalling, it produces or consumes the inner type.  This allows you to have, for example, a JSON field that can accept a name or number.",
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  },
  [TIME]: {
    description:
      "Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.  Wrappers are provided for many of the factory methods that the time package offers.",
    format: "date-time",
    type: "string",
  },
  [MICRO_TIME]: {
    description: "MicroTime is version of Time with microsecond level precision.",
    format: "date-time",
    type: "string",
  },
  [RAW]: { description: "RawExtension is used to hold extensions in external versions.", type: "object" },
};

const SCALARS: Readonly<Record<string, object>> = {
  string: { type: "string" },
  boolean: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
  Duration: { type: "string" },
};

/** OpenAPI schemas of generated types. */
export interface BuiltinSchemas {
  /** Schemas of the definitions and of all that they refer to. `gvks` go to the definitions of kinds. */
  closure(definitions: readonly string[], prefix: RefPrefix): Record<string, object>;
}

export function createBuiltinSchemas(schema: KubernetesSchema, descriptions: Descriptions): BuiltinSchemas {
  const kindsOf = new Map<string, object[]>();
  for (const [key, definition] of Object.entries(schema.kinds)) {
    const [group = "", version = "", kind = ""] = key.split("/");
    kindsOf.set(definition, [...(kindsOf.get(definition) ?? []), { group, version, kind }]);
  }

  function valueSchema(word: string, prefix: RefPrefix, queue: string[]): object {
    if (word.startsWith("[]")) return { type: "array", items: itemSchema(word.slice(2), prefix, queue) };
    if (word.startsWith("{}"))
      return { type: "object", additionalProperties: itemSchema(word.slice(2), prefix, queue) };
    const scalar = SCALARS[word];
    if (scalar) return scalar;
    const definition = SPECIAL[word] ?? word;
    queue.push(definition);
    return { $ref: prefix + definition };
  }

  function itemSchema(word: string, prefix: RefPrefix, queue: string[]): object {
    const value = valueSchema(word, prefix, queue);
    return prefix === "#/definitions/" || !("$ref" in value) ? value : { allOf: [value], default: {} };
  }

  function fieldSchema(field: FieldSchema, text: string, prefix: RefPrefix, queue: string[]): object {
    const value = valueSchema(field.t, prefix, queue);
    const listType =
      field.l === undefined
        ? {}
        : field.t.startsWith("[]")
          ? { "x-kubernetes-list-type": field.l }
          : { "x-kubernetes-map-type": field.l };
    const extensions = {
      ...(text === "" ? {} : { description: text }),
      ...(field.m === undefined ? {} : { "x-kubernetes-list-map-keys": field.m }),
      ...listType,
      ...(field.k === undefined ? {} : { "x-kubernetes-patch-merge-key": field.k }),
      ...(field.s === undefined ? {} : { "x-kubernetes-patch-strategy": field.s }),
    };
    // OpenAPI 3.0 ignores what stands beside a $ref.
    return "$ref" in value && prefix !== "#/definitions/"
      ? { allOf: [value], ...extensions }
      : { ...value, ...extensions };
  }

  function definitionSchema(name: string, prefix: RefPrefix, queue: string[]): object | undefined {
    const special = SPECIAL_SCHEMAS[name];
    if (special) return special;
    const type = schema.types[name];
    if (!type) return undefined;
    const texts = descriptions[name] ?? {};
    const required = Object.entries(type.f).filter(([, field]) => field.r === 1);
    const kinds = kindsOf.get(name);
    return {
      ...(texts[""] === undefined ? {} : { description: texts[""] }),
      type: "object",
      properties: Object.fromEntries(
        Object.entries(type.f).map(([key, field]) => [key, fieldSchema(field, texts[key] ?? "", prefix, queue)]),
      ),
      ...(required.length === 0 ? {} : { required: required.map(([key]) => key) }),
      ...(type.atomic === 1 ? { "x-kubernetes-map-type": "atomic" } : {}),
      ...(kinds ? { "x-kubernetes-group-version-kind": kinds } : {}),
    };
  }

  return {
    closure(definitions, prefix) {
      const found: Record<string, object> = {};
      const queue = [...definitions];
      for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
        if (found[name]) continue;
        const made = definitionSchema(name, prefix, queue);
        if (made) found[name] = made;
      }
      return found;
    },
  };
}
