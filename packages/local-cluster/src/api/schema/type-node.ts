/** How a value may look and who may own which part of it: the same for built-in kinds and custom resources. */
export interface TypeNode {
  /** `any`: content without a schema. */
  readonly shape: "struct" | "map" | "list" | "scalar" | "any";
  /** Go's name of the type, for messages. */
  readonly name: string;
  /** What a struct's field holds; undefined when there is none of that name. */
  field(key: string): FieldNode | undefined;
  fields(): Iterable<readonly [string, FieldNode]>;
  /** What a list or a map holds. */
  readonly item: TypeNode | undefined;
}

export interface FieldNode {
  readonly type: TypeNode;
  readonly required: boolean;
  /** Owned as one by server-side apply. */
  readonly atomic: boolean;
  /** Keys of an associative list; `set` for a list of distinct scalars; undefined for an atomic list. */
  readonly keys: readonly string[] | "set" | undefined;
  /** For strategic merge patches. */
  readonly strategy: readonly string[];
  readonly mergeKey: string;
}

const NO_FIELDS: Iterable<readonly [string, FieldNode]> = [];

export const ANY_TYPE: TypeNode = {
  shape: "any",
  name: "interface {}",
  field: () => ANY_FIELD,
  fields: () => NO_FIELDS,
  item: undefined,
};

export const ANY_FIELD: FieldNode = {
  type: ANY_TYPE,
  required: false,
  atomic: false,
  keys: undefined,
  strategy: [],
  mergeKey: "",
};

/** The field of a map's values. */
export function itemField(type: TypeNode): FieldNode {
  return { ...ANY_FIELD, type: type.item ?? ANY_TYPE };
}
