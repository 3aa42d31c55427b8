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
import { formatProtoDuration, parseGoDuration } from "@heddle/std";
import { TypedStructSchema } from "../gen/xds/type/v3/typed_struct_pb.js";
import { emptyMessage, type Fields, isPlainStruct, isUnwrapped, oneofOf, setOwn } from "./field-value.ts";
import {
  type JsonProblem,
  jsonProblemText,
  unknownField,
  wantsList,
  wantsNames,
  wrongMessage,
  wrongValue,
} from "./json-problem.ts";
import { writeMessage } from "./write-message.ts";

/** What a JSON form comes to. */
export interface CheckedJson<T> {
  /** Without what is wrong. */
  readonly message: T;
  /** All of them, as they are met. */
  readonly problems: readonly JsonProblem[];
  /** Full names of messages inside `Any` that the registry does not have. */
  readonly unknownTypes: readonly string[];
}

/** What is read beyond protobuf's own JSON form. */
export interface JsonLeniency {
  /** Times as Go writes them (`500ms`, `1h30m`), too. */
  readonly goDurations?: boolean;
  /** Of fields that exclude one another the last one counts, as where messages were merged; otherwise both are a problem. */
  readonly lastOfGroup?: boolean;
}

/**
 * Reads a message from protobuf's JSON form as the library's `fromJson` does. The library reads each message's own values, through a view of
 * its descriptor that ends there, so that it compiles nothing for the messages that could be inside (see `readMessage`).
 *
 * An `Any` of a type that the registry does not have becomes a `TypedStruct` that names the type and holds its fields: Envoy reads one wherever
 * an extension is configured, and who does not know the extension can say so.
 *
 * Errors: throws one sentence with everything that is wrong, each behind the path that leads there.
 */
export function readJson<D extends DescMessage>(schema: D, json: JsonValue, registry?: Registry): MessageShape<D> {
  const { message, problems } = checkJson(schema, json, registry);
  if (problems.length > 0) throw new Error(jsonProblemText(problems));
  return message;
}

/** The same; what is wrong is a value. */
export function checkJson<D extends DescMessage>(
  schema: D,
  json: JsonValue,
  registry?: Registry,
  leniency: JsonLeniency = {},
): CheckedJson<MessageShape<D>> {
  const reader = new JsonReader(registry, leniency);
  const message = reader.read(schema, json) as MessageShape<D>;
  return { message, problems: reader.problems, unknownTypes: [...reader.unknownTypes] };
}

class JsonReader {
  readonly problems: JsonProblem[] = [];
  readonly unknownTypes = new Set<string>();
  /** To the value that is read now, such as `.clusters`, `[0]`. */
  readonly #path: string[] = [];
  readonly #registry: Registry | undefined;
  readonly #leniency: JsonLeniency;
  readonly #options: { readonly registry?: Registry };
  /** Descriptors without the fields that hold messages. */
  readonly #views = new Map<DescMessage, DescMessage>();

  constructor(registry: Registry | undefined, leniency: JsonLeniency) {
    this.#registry = registry;
    this.#leniency = leniency;
    this.#options = registry === undefined ? {} : { registry };
  }

  read(schema: DescMessage, json: JsonValue): Fields {
    if (schema.typeName === AnySchema.typeName) return this.#readAny(json);
    if (schema.typeName.startsWith("google.protobuf."))
      return (
        this.#library(schema, json) ?? this.#goDuration(schema, json) ?? this.#wrong(schema, wrongMessage(schema, json))
      );
    if (!isObject(json)) return this.#wrong(schema, wrongMessage(schema, json));
    const values: JsonObject = {};
    const inner = new Map<DescField, JsonValue>();
    const seen = new Map<DescField, string>();
    const chosen = new Map<string, { readonly field: DescField; readonly key: string }>();
    for (const [key, value] of Object.entries(json)) {
      const field = schema.fields.find((one) => one.name === key || one.jsonName === key);
      if (field === undefined) {
        this.#problem(unknownField(schema, key), `.${key}`);
        continue;
      }
      const group = value === null ? undefined : oneofOf(field)?.name;
      const rival = group === undefined ? undefined : chosen.get(group);
      const other = seen.get(field) ?? rival?.key;
      if (rival !== undefined && rival.field !== field && this.#leniency.lastOfGroup === true) {
        delete values[rival.key];
        inner.delete(rival.field);
      } else if (other !== undefined) {
        this.#problem(`stands beside ${other}, and only one of both can be; remove one`, `.${key}`);
        continue;
      }
      seen.set(field, key);
      if (group !== undefined) chosen.set(group, { field, key });
      if (field.message === undefined) setOwn(values, key, value);
      else inner.set(field, value);
    }
    const message = this.#readValues(schema, values, seen);
    for (const [field, value] of inner) this.#readInner(field, field.message, message, value);
    return message;
  }

  /** Fields that hold no messages: at once, or one by one where something is wrong. */
  #readValues(schema: DescMessage, values: JsonObject, fields: ReadonlyMap<DescField, string>): Fields {
    const view = this.#view(schema);
    const all = this.#library(view, values);
    if (all !== undefined) return all;
    for (const [field, key] of fields) {
      const value = values[key];
      if (value === undefined || this.#library(view, { [key]: value }) !== undefined) continue;
      this.#path.push(`.${field.name}`);
      if (field.fieldKind === "list" && Array.isArray(value)) {
        for (const [i, item] of value.entries())
          if (this.#library(view, { [key]: [item] }) === undefined) this.#problem(wrongValue(field, item), `[${i}]`);
      } else this.#problem(field.fieldKind === "list" ? wantsList(value) : wrongValue(field, value));
      this.#path.pop();
      delete values[key];
    }
    return this.#library(view, values) ?? this.#wrong(schema, wrongMessage(schema, values));
  }

  /** Undefined: the library refuses it. */
  #library(schema: DescMessage, json: JsonValue): Fields | undefined {
    try {
      return fromJson(schema, json, this.#options) as unknown as Fields;
    } catch {
      return undefined;
    }
  }

  #goDuration(schema: DescMessage, json: JsonValue): Fields | undefined {
    if (this.#leniency.goDurations !== true || schema.typeName !== "google.protobuf.Duration") return undefined;
    const read = typeof json === "string" ? parseGoDuration(json) : undefined;
    return read?.ok === true ? this.#library(schema, formatProtoDuration(read.value)) : undefined;
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
    this.#path.push(`.${field.name}`);
    // A null means a value only where null is one.
    const nullIsValue = schema.typeName === "google.protobuf.Value";
    if (field.fieldKind === "list") {
      if (json !== null && !Array.isArray(json)) this.#problem(wantsList(json));
      else {
        const items = message[name] as unknown[];
        for (const [i, item] of (json ?? []).entries()) {
          this.#path.push(`[${i}]`);
          if (item === null && !nullIsValue) this.#problem(wrongMessage(schema, item));
          else items.push(this.#readValue(field, schema, item));
          this.#path.pop();
        }
      }
    } else if (field.fieldKind === "map") {
      if (json !== null && !isObject(json)) this.#problem(wantsNames(json));
      else {
        const map = message[name] as Fields;
        for (const [key, item] of Object.entries(json ?? {})) {
          this.#path.push(`[${key}]`);
          if (item === null && !nullIsValue) this.#problem(wrongMessage(schema, item));
          else setOwn(map, key, this.#readValue(field, schema, item));
          this.#path.pop();
        }
      }
    } else if (json !== null || nullIsValue) {
      const value = this.#readValue(field, schema, json);
      const group = oneofOf(field);
      if (group === undefined) message[name] = value;
      else message[group.localName] = { case: name, value };
    }
    this.#path.pop();
  }

  #readValue(field: DescField, schema: DescMessage, json: JsonValue): unknown {
    const before = this.problems.length;
    const message = this.read(schema, json);
    if (isUnwrapped(field)) return message["value"];
    if (!isPlainStruct(field)) return message;
    return this.problems.length > before ? {} : json;
  }

  #readAny(json: JsonValue): Fields {
    if (!isObject(json)) return this.#wrong(AnySchema, "wants fields with an @type, not a single value");
    const { "@type": type, ...fields } = json;
    if (type === undefined && Object.keys(fields).length === 0) return emptyMessage(AnySchema);
    if (typeof type !== "string" || type === "")
      return this.#wrong(AnySchema, "@type is missing: the full name of the message, such as type.googleapis.com/…");
    const typeName = type.slice(type.lastIndexOf("/") + 1);
    const schema = this.#registry?.getMessage(typeName);
    if (typeName.startsWith("google.protobuf.")) {
      // The library knows the JSON forms of protobuf's own types.
      return this.#library(AnySchema, json) ?? this.#wrong(AnySchema, `the fields are not those of ${typeName}`);
    }
    if (schema === undefined) {
      this.unknownTypes.add(typeName);
      const struct = this.#library(TypedStructSchema, { typeUrl: type, value: fields });
      if (struct === undefined) return this.#wrong(AnySchema, `the fields of ${typeName} can't be read`);
      return packed(TypedStructSchema, struct);
    }
    return packed(schema, this.read(schema, fields));
  }

  #wrong(schema: DescMessage, reason: string): Fields {
    this.#problem(reason);
    return emptyMessage(schema);
  }

  #problem(reason: string, more = ""): void {
    this.problems.push({ path: `${this.#path.join("")}${more}`.slice(1), reason });
  }
}

function packed(schema: DescMessage, message: Fields): Fields {
  const value = writeMessage(schema, message as unknown as MessageShape<DescMessage>);
  return { $typeName: AnySchema.typeName, typeUrl: `type.googleapis.com/${schema.typeName}`, value };
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
