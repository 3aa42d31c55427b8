import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";

const prefix = "type.googleapis.com/";

/** The type URL under which `schema`'s messages travel in an `Any`. */
export function typeUrlOf(schema: DescMessage): string {
  return prefix + schema.typeName;
}

/** Encodes `message` into an `Any`. */
export function packAny<D extends DescMessage>(schema: D, message: MessageShape<D>): Any {
  return create(AnySchema, { typeUrl: prefix + schema.typeName, value: toBinary(schema, message) });
}

/** True when `any` holds a message of `schema` (the part after the last slash decides, as in protobuf's own libraries). */
export function isAny(any: Any, schema: DescMessage): boolean {
  return any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1) === schema.typeName;
}

/**
 * Decodes `any` when it holds a message of `schema`; `undefined` when it holds another type.
 *
 * Errors: throws when the bytes are not a message of that type (decoders turn that into a NACK).
 */
export function unpackAny<D extends DescMessage>(any: Any, schema: D): MessageShape<D> | undefined {
  return isAny(any, schema) ? fromBinary(schema, any.value) : undefined;
}
