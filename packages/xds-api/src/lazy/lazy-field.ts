import type { DescEnum, DescMessage } from "@bufbuild/protobuf";
import { protoCamelCase, safeObjectProperty } from "@bufbuild/protobuf/reflect";
import {
  FIELD,
  FIELD_OPTIONS,
  LABEL_REPEATED,
  PRESENCE_EXPLICIT,
  PRESENCE_IMPLICIT,
  TYPE_BYTES,
  TYPE_ENUM,
  TYPE_MESSAGE,
  TYPE_STRING,
} from "./numbers.ts";
import type { TypeScope } from "./type-scope.ts";
import type { WireRecord } from "./wire-record.ts";

/** What a field needs of its message. */
export interface FieldParent {
  readonly kind: "message";
  readonly typeName: string;
  readonly file: TypeScope;
  /** Fields `key` and `value` of the entry of a map field; undefined: the type is no map entry. */
  mapEntry(typeName: string): { readonly key: LazyField; readonly value: LazyField } | undefined;
}

/** Fields that exclude each other. */
export class LazyOneof {
  readonly kind = "oneof";
  readonly deprecated = false;
  readonly fields: LazyField[] = [];
  readonly parent: FieldParent;
  readonly name: string;
  readonly localName: string;

  constructor(parent: FieldParent, name: string) {
    this.parent = parent;
    this.name = name;
    this.localName = safeObjectProperty(protoCamelCase(name));
  }

  toString(): string {
    return `oneof ${this.parent.typeName}.${this.name}`;
  }
}

type Kind = "scalar" | "enum" | "message";

/** A field; the message or enumeration that it holds is looked up when it is asked for. */
export class LazyField {
  readonly kind = "field";
  readonly utf8Validation = true;
  readonly longAsString = false;
  readonly parent: FieldParent;
  readonly oneof: LazyOneof | undefined;
  readonly name: string;
  readonly localName: string;
  readonly jsonName: string;
  readonly number: number;
  readonly deprecated: boolean;
  readonly presence: number;
  readonly fieldKind: Kind | "list" | "map";
  readonly listKind: Kind | undefined;
  readonly mapKind: Kind | undefined;
  readonly mapKey: number | undefined;
  readonly packed: boolean | undefined;
  /** Protobuf's number of a scalar type. */
  readonly scalar: number | undefined;
  /** What is in it: itself, in a list, or as the value of a map. */
  readonly holds: Kind;
  /** Name of the message or enumeration. */
  readonly holdsType: string;
  #message: DescMessage | undefined;
  #enum: DescEnum | undefined;

  constructor(parent: FieldParent, record: WireRecord, oneof: LazyOneof | undefined) {
    const type = record.number(FIELD.type);
    const repeated = record.number(FIELD.label) === LABEL_REPEATED;
    const options = record.records(FIELD.options)[0];
    const typeName = record.text(FIELD.typeName);
    const entry = repeated && type === TYPE_MESSAGE ? parent.mapEntry(typeName) : undefined;
    const own: Kind = type === TYPE_MESSAGE ? "message" : type === TYPE_ENUM ? "enum" : "scalar";
    this.parent = parent;
    this.oneof = oneof;
    this.name = record.text(FIELD.name);
    const camel = protoCamelCase(this.name);
    this.localName = oneof === undefined ? safeObjectProperty(camel) : camel;
    this.jsonName = record.has(FIELD.jsonName) ? record.text(FIELD.jsonName) : camel;
    this.number = record.number(FIELD.number);
    this.deprecated = options?.number(FIELD_OPTIONS.deprecated) === 1;
    const explicit = oneof !== undefined || record.number(FIELD.proto3Optional) === 1 || own === "message";
    this.presence = explicit && !repeated ? PRESENCE_EXPLICIT : PRESENCE_IMPLICIT;
    this.fieldKind = entry !== undefined ? "map" : repeated ? "list" : own;
    this.listKind = this.fieldKind === "list" ? own : undefined;
    this.mapKind = entry?.value.holds;
    this.mapKey = entry?.key.scalar;
    this.packed = this.listKind === undefined ? undefined : isPacked(type, options);
    this.holds = entry?.value.holds ?? own;
    this.holdsType = entry?.value.holdsType ?? typeName;
    this.scalar = entry !== undefined ? entry.value.scalar : own === "scalar" ? type : undefined;
  }

  get message(): DescMessage | undefined {
    if (this.holds === "message") this.#message ??= this.parent.file.message(this.holdsType);
    return this.#message;
  }

  get enum(): DescEnum | undefined {
    if (this.holds === "enum") this.#enum ??= this.parent.file.enumeration(this.holdsType);
    return this.#enum;
  }

  /** Groups are of proto2. */
  get delimitedEncoding(): false | undefined {
    return this.holds === "message" || this.fieldKind === "map" ? false : undefined;
  }

  /** Proto3 has no default values of its own. */
  getDefaultValue(): undefined {
    return undefined;
  }

  toString(): string {
    return `field ${this.parent.typeName}.${this.name}`;
  }
}

function isPacked(type: number, options: WireRecord | undefined): boolean {
  if (type === TYPE_STRING || type === TYPE_BYTES || type === TYPE_MESSAGE) return false;
  return options?.has(FIELD_OPTIONS.packed) === true ? options.number(FIELD_OPTIONS.packed) === 1 : true;
}
