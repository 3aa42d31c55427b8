import { type DescField, type DescMessage, type JsonObject, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Fields, isImplicit, isPlainStruct, isUnwrapped, oneofOf, zeroOf } from "./field-value.ts";
import { structOfJson } from "./struct.ts";

/** Encodes a message as the library's `toBinary` does: the counterpart of `readMessage`, for the same reasons. */
export function writeMessage<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array<ArrayBuffer> {
  return writeFields(schema, message as unknown as Fields, new BinaryWriter()).finish();
}

function writeFields(schema: DescMessage, message: Fields, writer: BinaryWriter): BinaryWriter {
  if (message["$typeName"] !== schema.typeName)
    throw new Error(`cannot encode ${schema} to binary: the value is of ${String(message["$typeName"])}`);
  for (const field of schema.fields.toSorted((a, b) => a.number - b.number)) writeField(field, message, writer);
  const unknown = message["$unknown"] as { no: number; wireType: WireType; data: Uint8Array }[] | undefined;
  for (const { no, wireType, data } of unknown ?? []) writer.tag(no, wireType).raw(data);
  return writer;
}

function writeField(field: DescField, message: Fields, writer: BinaryWriter): void {
  if (field.fieldKind === "list") {
    writeList(field, message[field.localName] as readonly unknown[], writer);
    return;
  }
  if (field.fieldKind === "map") {
    for (const [key, value] of Object.entries(message[field.localName] as Fields)) {
      writer.tag(field.number, WireType.LengthDelimited).fork();
      writeScalar(1, field.mapKey, keyOf(field.mapKey, key), writer);
      writeOne(2, field, value, writer);
      writer.join();
    }
    return;
  }
  const group = oneofOf(field);
  if (group !== undefined) {
    const chosen = message[group.localName] as { readonly case: string | undefined; readonly value?: unknown };
    if (chosen.case === field.localName) writeOne(field.number, field, chosen.value, writer);
    return;
  }
  const value = message[field.localName];
  if (value !== undefined && !(isImplicit(field) && isZero(field, value))) writeOne(field.number, field, value, writer);
}

function isZero(field: DescField, value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  if (typeof value === "number") return Object.is(value, 0);
  return value === zeroOf(field.scalar ?? ScalarType.INT32);
}

function writeList(field: DescField & { fieldKind: "list" }, items: readonly unknown[], writer: BinaryWriter): void {
  if (items.length === 0) return;
  if (!field.packed) {
    for (const item of items) writeOne(field.number, field, item, writer);
    return;
  }
  writer.tag(field.number, WireType.LengthDelimited).fork();
  for (const item of items) writeBare(field.scalar ?? ScalarType.INT32, item, writer);
  writer.join();
}

function writeOne(number: number, field: DescField, value: unknown, writer: BinaryWriter): void {
  const { message: schema, scalar } = field;
  if (schema === undefined) {
    writeScalar(number, scalar ?? ScalarType.INT32, value, writer);
    return;
  }
  let message = value as Fields;
  if (isUnwrapped(field)) message = { $typeName: schema.typeName, value };
  else if (isPlainStruct(field)) message = structOfJson(value as JsonObject);
  writer.tag(number, WireType.LengthDelimited).fork();
  writeFields(schema, message, writer);
  writer.join();
}

function writeScalar(number: number, scalar: ScalarType, value: unknown, writer: BinaryWriter): void {
  writer.tag(number, wireTypeOf(scalar));
  writeBare(scalar, value, writer);
}

function wireTypeOf(scalar: ScalarType): WireType {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}

/** Keys of objects are text, whatever the map's key type. */
function keyOf(type: ScalarType, key: string): unknown {
  switch (type) {
    case ScalarType.STRING:
      return key;
    case ScalarType.BOOL:
      return key === "true";
    default:
      return typeof zeroOf(type) === "bigint" ? BigInt(key) : Number(key);
  }
}

function writeBare(scalar: ScalarType, value: unknown, writer: BinaryWriter): void {
  switch (scalar) {
    case ScalarType.STRING:
      writer.string(value as string);
      break;
    case ScalarType.BOOL:
      writer.bool(value as boolean);
      break;
    case ScalarType.BYTES:
      writer.bytes(value as Uint8Array);
      break;
    case ScalarType.DOUBLE:
      writer.double(value as number);
      break;
    case ScalarType.FLOAT:
      writer.float(value as number);
      break;
    case ScalarType.INT32:
      writer.int32(value as number);
      break;
    case ScalarType.UINT32:
      writer.uint32(value as number);
      break;
    case ScalarType.SINT32:
      writer.sint32(value as number);
      break;
    case ScalarType.FIXED32:
      writer.fixed32(value as number);
      break;
    case ScalarType.SFIXED32:
      writer.sfixed32(value as number);
      break;
    case ScalarType.INT64:
      writer.int64(value as bigint);
      break;
    case ScalarType.UINT64:
      writer.uint64(value as bigint);
      break;
    case ScalarType.SINT64:
      writer.sint64(value as bigint);
      break;
    case ScalarType.FIXED64:
      writer.fixed64(value as bigint);
      break;
    case ScalarType.SFIXED64:
      writer.sfixed64(value as bigint);
      break;
  }
}
