import { json } from "../../api-schema/gen/types.ts";
import type { FieldSchema, KubernetesSchema } from "../../api-schema/schema-format.ts";
import { type FieldNode, itemField, type TypeNode } from "./type-node.ts";

/** Scalars and what stands for itself, with Go's names. */
const SCALARS: Readonly<Record<string, string>> = {
  string: "string",
  boolean: "bool",
  int32: "int32",
  int64: "int64",
  double: "float64",
  bytes: "[]uint8",
  Time: "v1.Time",
  MicroTime: "v1.MicroTime",
  Duration: "v1.Duration",
  Quantity: "resource.Quantity",
  IntOrString: "intstr.IntOrString",
};

/** The built-in kinds' types. Built on demand and kept. */
export interface BuiltinTypes {
  readonly schema: KubernetesSchema;
  /** Undefined for a kind that the schema does not have. */
  kind(group: string, version: string, kind: string): TypeNode | undefined;
  word(word: string): TypeNode;
}

export function createBuiltinTypes(): BuiltinTypes {
  const schema: KubernetesSchema = JSON.parse(json);
  const nodes = new Map<string, TypeNode>();

  function word(name: string): TypeNode {
    let found = nodes.get(name);
    if (!found) {
      found = build(name);
      nodes.set(name, found);
    }
    return found;
  }

  function build(name: string): TypeNode {
    if (name.startsWith("[]") || name.startsWith("{}")) {
      const shape = name.startsWith("[]") ? "list" : "map";
      const inner = name.slice(2);
      let item: TypeNode | undefined;
      const node: TypeNode = {
        shape,
        get name() {
          return `${shape === "list" ? "[]" : "map[string]"}${node.item?.name ?? ""}`;
        },
        field: () => (shape === "map" ? itemField(node) : undefined),
        fields: () => [],
        get item() {
          item ??= word(inner);
          return item;
        },
      };
      return node;
    }
    if (name === "Any") {
      return { shape: "any", name: "runtime.RawExtension", field: () => undefined, fields: () => [], item: undefined };
    }
    const scalar = SCALARS[name];
    if (scalar !== undefined) {
      return { shape: "scalar", name: scalar, field: () => undefined, fields: () => [], item: undefined };
    }
    return buildStruct(name);
  }

  function buildStruct(name: string): TypeNode {
    const type = schema.types[name];
    if (!type) throw new Error(`the generated schema has no type ${name}`);
    let fields: Map<string, FieldNode> | undefined;
    const all = () => {
      fields ??= new Map(Object.entries(type.f).map(([key, field]) => [key, fieldNode(field)]));
      return fields;
    };
    return {
      shape: "struct",
      name: name.split(".").slice(-2).join("."),
      field: (key) => all().get(key),
      fields: () => all(),
      item: undefined,
    };
  }

  function fieldNode(field: FieldSchema): FieldNode {
    const type = word(field.t);
    const isList = type.shape === "list";
    const atomicType = schema.types[field.t]?.atomic === 1 || type.shape === "any";
    return {
      type,
      required: field.r === 1,
      atomic: field.l === "atomic" || atomicType || (isList && field.l !== "map" && field.l !== "set"),
      keys: field.l === "map" ? (field.m ?? []) : field.l === "set" ? "set" : undefined,
      strategy: field.s === undefined ? [] : field.s.split(","),
      mergeKey: field.k ?? "",
    };
  }

  return {
    schema,
    kind(group, version, kind) {
      const definition = schema.kinds[`${group}/${version}/${kind}`];
      return definition === undefined ? undefined : word(definition);
    },
    word,
  };
}
