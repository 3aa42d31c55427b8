import { type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";

/** A message as its fields: what the library's generated types describe. */
export type Fields = Record<string, unknown>;

const PRESENCE_IMPLICIT = 2;
const STRUCT = "google.protobuf.Struct";
const WRAPPER = /^google\.protobuf\.(Double|Float|Int64|UInt64|Int32|UInt32|Bool|String|Bytes)Value$/;

/** A wrapper (`UInt32Value`) stands as its bare value in a field of its own; inside a oneof, a list or a map it does not. */
export function isUnwrapped(field: DescField): boolean {
  return field.fieldKind === "message" && field.oneof === undefined && WRAPPER.test(field.message.typeName);
}

/** A `Struct` stands as the JSON object that it means, unless it lies inside a `Value`. */
export function isPlainStruct(field: DescField): boolean {
  return field.message?.typeName === STRUCT && field.parent.typeName !== "google.protobuf.Value";
}

/** The group that a field excludes others in; undefined: none, as for every list and map. */
export function oneofOf(field: DescField): DescOneof | undefined {
  return field.fieldKind === "list" || field.fieldKind === "map" ? undefined : field.oneof;
}

/** A zero that is not sent, and stands for what was not received. */
export function isImplicit(field: DescField): boolean {
  return field.presence === PRESENCE_IMPLICIT;
}

export function zeroOf(scalar: ScalarType): unknown {
  switch (scalar) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BOOL:
      return false;
    case ScalarType.BYTES:
      return new Uint8Array(0);
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
    case ScalarType.SINT64:
      return 0n;
    default:
      return 0;
  }
}

/** A message with nothing set, as the library's `create` makes it. */
export function emptyMessage(schema: DescMessage): Fields {
  const message: Fields = { $typeName: schema.typeName };
  for (const member of schema.members) {
    if (member.kind === "oneof") message[member.localName] = { case: undefined };
    else if (member.fieldKind === "list") message[member.localName] = [];
    else if (member.fieldKind === "map") message[member.localName] = {};
    else if (member.fieldKind === "enum" && isImplicit(member))
      message[member.localName] = member.enum.values[0]?.number ?? 0;
    else if (member.fieldKind === "scalar" && isImplicit(member)) message[member.localName] = zeroOf(member.scalar);
  }
  return message;
}

/** Sets a key that may be `__proto__`. */
export function setOwn(target: Fields, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}
