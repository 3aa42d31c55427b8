import { invalidObject } from "../errors/api-errors.ts";
import { typeInvalid } from "../errors/field-errors.ts";
import type { BodyDecoder, ResourceDefinition } from "../resources/resource-definition.ts";
import type { BuiltinTypes } from "./builtin-types.ts";
import { decodeStruct } from "./decode.ts";
import { ANY_FIELD, ANY_TYPE, type FieldNode, type TypeNode } from "./type-node.ts";

/** Types of the definitions: of the generated schema for built-in kinds, of their own schema for custom resources. */
export interface Typing {
  typeOf(def: ResourceDefinition): TypeNode;
  fieldOf(def: ResourceDefinition): FieldNode;
}

export function createTyping(builtin: BuiltinTypes, custom: (def: ResourceDefinition) => TypeNode | undefined): Typing {
  const typeOf = (def: ResourceDefinition): TypeNode =>
    (def.custom ? custom(def) : builtin.kind(def.group, def.version, def.kind)) ?? ANY_TYPE;
  return { typeOf, fieldOf: (def) => ({ ...ANY_FIELD, type: typeOf(def) }) };
}

/** Gives every built-in definition its decoder. */
export function withDecoders(
  definitions: readonly ResourceDefinition[],
  types: BuiltinTypes,
): readonly ResourceDefinition[] {
  const decoder: BodyDecoder = {
    decode(draft, def) {
      const type = types.kind(def.group, def.version, def.kind);
      if (!type) throw invalidObject(def, "", [typeInvalid("kind", def.kind, "this kind has no schema")]);
      return decodeStruct(draft, type);
    },
  };
  return definitions.map((def) => (types.kind(def.group, def.version, def.kind) ? { ...def, decoder } : def));
}
