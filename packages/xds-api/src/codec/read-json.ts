import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  type Registry,
} from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type Fields, isPlainStruct, isUnwrapped, oneofOf, setOwn } from "./field-value.ts";
import { writeMessage } from "./write-message.ts";

/**
 * Reads a message from protobuf's JSON form as the library's `fromJson` does. The library reads each message's own values, through a view of
 * its descriptor that ends there, so that it compiles nothing for the messages that could be inside (see `readMessage`).
 *
 * Errors: throws what the library says, with the field's full name, behind the path that leads there.
 */
export function readJson<D extends DescMessage>(schema: D, json: JsonValue, registry?: Registry): MessageShape<D> {
  const reader = new JsonReader(registry);
  try {
    return reader.read(schema, json) as MessageShape<D>;
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error);
    throw reader.path.length === 0 ? error : new Error(`${reader.path.join("").slice(1)}: ${sentence}`);
  }
}

class JsonReader {
  /** To the value that is read now, such as `.clusters`, `[0]`. */
  readonly path: string[] = [];
  readonly #registry: Registry | undefined;
  readonly #options: { readonly registry?: Registry };
  /** Descriptors without the fields that hold messages. */
  readonly #views = new Map<DescMessage, DescMessage>();

  constructor(registry: Registry | undefined) {
    this.#registry = registry;
    this.#options = registry === undefined ? {} : { registry };
  }

  read(schema: DescMessage, json: JsonValue): Fields {
    if (schema.typeName === "google.protobuf.Any") return this.#readAny(json);
    if (schema.typeName.startsWith("google.protobuf.") || !isObject(json))
      return fromJson(schema, json, this.#options) as unknown as Fields;
    const values: JsonObject = {};
    const inner = new Map<DescField, JsonValue>();
    const chosen = new Map<string, DescField>();
    for (const [key, value] of Object.entries(json)) {
      const field = schema.fields.find((one) => one.name === key || one.jsonName === key);
      const group = field === undefined || value === null ? undefined : oneofOf(field);
      if (field !== undefined && group !== undefined) {
        const other = chosen.get(group.name);
        if (other !== undefined)
          throw new Error(
            `cannot decode ${group} from JSON: oneof set multiple times by ${other.name} and ${field.name}`,
          );
        chosen.set(group.name, field);
      }
      if (field?.message === undefined) setOwn(values, key, value);
      else if (inner.has(field)) throw new Error(`cannot decode ${field} from JSON: set multiple times`);
      else inner.set(field, value);
    }
    const message = fromJson(this.#view(schema), values, this.#options) as unknown as Fields;
    for (const [field, value] of inner) this.#readInner(field, field.message, message, value);
    return message;
  }

  #view(schema: DescMessage): DescMessage {
    let view = this.#views.get(schema);
    if (view === undefined) {
      const { kind, typeName, file, members } = schema;
      const fields = schema.fields.filter((field) => field.message === undefined);
      view = { kind, typeName, file, members, fields, toString: () => String(schema) } as unknown as DescMessage;
      this.#views.set(schema, view);
    }
    return view;
  }

  #readInner(field: DescField, schema: DescMessage | undefined, message: Fields, json: JsonValue): void {
    if (schema === undefined) return;
    const name = field.localName;
    this.path.push(`.${field.name}`);
    // A null means a value only where null is one.
    const nullIsValue = schema.typeName === "google.protobuf.Value";
    if (field.fieldKind === "list") {
      if (json !== null && !Array.isArray(json))
        throw new Error(`cannot decode ${field} from JSON: expected Array, got ${shown(json)}`);
      const items = message[name] as unknown[];
      for (const [i, item] of (json ?? []).entries()) {
        this.path.push(`[${i}]`);
        if (item === null && !nullIsValue)
          throw new Error(`cannot decode ${field} from JSON: list item must not be null`);
        items.push(this.#readValue(field, schema, item));
        this.path.pop();
      }
    } else if (field.fieldKind === "map") {
      if (json !== null && !isObject(json))
        throw new Error(`cannot decode ${field} from JSON: expected object, got ${shown(json)}`);
      const map = message[name] as Fields;
      for (const [key, item] of Object.entries(json ?? {})) {
        this.path.push(`.${key}`);
        if (item === null && !nullIsValue)
          throw new Error(`cannot decode ${field} from JSON: map value must not be null`);
        setOwn(map, key, this.#readValue(field, schema, item));
        this.path.pop();
      }
    } else if (json !== null || nullIsValue) {
      const value = this.#readValue(field, schema, json);
      const group = oneofOf(field);
      if (group === undefined) message[name] = value;
      else message[group.localName] = { case: name, value };
    }
    this.path.pop();
  }

  #readValue(field: DescField, schema: DescMessage, json: JsonValue): unknown {
    const message = this.read(schema, json);
    if (isUnwrapped(field)) return message["value"];
    return isPlainStruct(field) ? json : message;
  }

  #readAny(json: JsonValue): Fields {
    const type = isObject(json) ? json["@type"] : undefined;
    const typeName = typeof type === "string" ? type.slice(type.lastIndexOf("/") + 1) : "";
    const schema = typeName === "" ? undefined : this.#registry?.getMessage(typeName);
    // The library knows the sentences for what is wrong, and the JSON forms of protobuf's own types.
    if (schema === undefined || !isObject(json) || typeName.startsWith("google.protobuf."))
      return fromJson(AnySchema, json, this.#options) as unknown as Fields;
    const { "@type": _type, ...fields } = json;
    const message = this.read(schema, fields) as unknown as MessageShape<DescMessage>;
    const typeUrl = `type.googleapis.com/${schema.typeName}`;
    return { $typeName: AnySchema.typeName, typeUrl, value: writeMessage(schema, message) };
  }
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** As the library names a value of the wrong kind. */
function shown(json: JsonValue): string {
  if (Array.isArray(json)) return `Array(${json.length})`;
  if (typeof json === "object") return json === null ? "null" : "object";
  return typeof json === "string" ? JSON.stringify(json) : String(json);
}
