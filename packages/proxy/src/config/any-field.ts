import type { DescMessage, JsonObject, JsonValue, Message, MessageShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { checkJson, readMessage } from "@heddle/xds-api";
import { unknownExtension } from "./left-out.ts";
import { UdpaTypedStructSchema, XdsTypedStructSchema } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";

/** What an `Any` field can hold at this place: full type name (without the URL's host) to what reads it. */
export type AnyTable<T> = Readonly<Record<string, AnyEntry<T>>>;

/** Reads one extension type, or a `TypedStruct` that names it. */
export type AnyEntry<T> =
  | {
      readonly kind: "message";
      readonly schema: DescMessage;
      readonly decode: (message: Message, scope: DecodeScope) => T | undefined;
    }
  | { readonly kind: "struct"; readonly decode: (value: JsonObject, scope: DecodeScope) => T | undefined };

/** An entry for a protobuf message. */
export function messageEntry<D extends DescMessage, T>(
  schema: D,
  decode: (message: MessageShape<D>, scope: DecodeScope) => T | undefined,
): AnyEntry<T> {
  return { kind: "message", schema, decode: (message, scope) => decode(message as MessageShape<D>, scope) };
}

/** Errors: missing, unknown types, bytes that don't parse. */
export function decodeAny<T>(any: Any | undefined, table: AnyTable<T>, scope: DecodeScope): T | undefined {
  if (any === undefined || any.typeUrl === "") {
    scope.problem("typed_config is missing");
    return undefined;
  }
  const name = typeName(any.typeUrl);
  try {
    if (isTypedStruct(name)) {
      const struct = readMessage(XdsTypedStructSchema, any.value);
      return decodeStruct(typeName(struct.typeUrl), struct.value ?? {}, table, scope);
    }
    const entry = table[name];
    if (entry === undefined) return refuse(name, table, scope);
    if (entry.kind === "message") return entry.decode(readMessage(entry.schema, any.value), scope);
    return entry.decode({}, scope);
  } catch (error) {
    scope.problem(`the bytes are not a ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function decodeStruct<T>(name: string, value: JsonObject, table: AnyTable<T>, scope: DecodeScope): T | undefined {
  const entry = table[name];
  if (entry === undefined) return refuse(name, table, scope);
  if (entry.kind === "struct") return entry.decode(value, scope);
  const { message, problems } = checkJson(entry.schema, value as JsonValue);
  for (const { path, reason } of problems) (path === "" ? scope : scope.field(path)).problem(reason);
  return entry.decode(message, scope);
}

function refuse<T>(name: string, table: AnyTable<T>, scope: DecodeScope): undefined {
  scope.problem(unknownExtension(name, Object.keys(table)));
  return undefined;
}

/** The full name of the message that an `Any` holds, also as a `TypedStruct`; "": none. Errors: throws for bytes that are none. */
export function heldType(any: Any | undefined): string {
  const name = typeName(any?.typeUrl ?? "");
  return any !== undefined && isTypedStruct(name)
    ? typeName(readMessage(XdsTypedStructSchema, any.value).typeUrl)
    : name;
}

/** Whether it holds a message without a field, also as a `TypedStruct`. */
export function isHeldEmpty(any: Any): boolean {
  if (!isTypedStruct(typeName(any.typeUrl))) return any.value.length === 0;
  return Object.keys(readMessage(XdsTypedStructSchema, any.value).value ?? {}).length === 0;
}

function isTypedStruct(name: string): boolean {
  return name === UdpaTypedStructSchema.typeName || name === XdsTypedStructSchema.typeName;
}

/** `type.googleapis.com/a.b.C` → `a.b.C`. */
export function typeName(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}
