import type { DescMessage } from "@bufbuild/protobuf";
import { LazyEnum } from "./lazy-enum.ts";
import { type FieldParent, LazyField, LazyOneof } from "./lazy-field.ts";
import { FIELD, MESSAGE, MESSAGE_OPTIONS, ONEOF } from "./numbers.ts";
import type { TypeScope } from "./type-scope.ts";
import type { WireRecord } from "./wire-record.ts";

interface Contents {
  readonly fields: LazyField[];
  readonly field: Record<string, LazyField>;
  readonly oneofs: LazyOneof[];
  /** Fields and oneofs in the order of the file. */
  readonly members: (LazyField | LazyOneof)[];
}

/** A message whose fields are read when they are asked for. */
export class LazyMessage implements FieldParent {
  readonly kind = "message";
  /** Our files extend nothing; generate.ts leaves extensions out. */
  readonly nestedExtensions = [];
  readonly file: TypeScope;
  readonly parent: LazyMessage | undefined;
  readonly #prefix: string;
  readonly #record: WireRecord;
  #name: string | undefined;
  #typeName: string | undefined;
  #contents: Contents | undefined;
  #nested: LazyMessage[] | undefined;
  #nestedMessages: LazyMessage[] | undefined;
  #nestedEnums: LazyEnum[] | undefined;

  constructor(file: TypeScope, parent: LazyMessage | undefined, prefix: string, record: WireRecord) {
    this.file = file;
    this.parent = parent;
    this.#prefix = prefix;
    this.#record = record;
  }

  get name(): string {
    this.#name ??= this.#record.text(MESSAGE.name);
    return this.#name;
  }

  get typeName(): string {
    this.#typeName ??= this.#prefix + this.name;
    return this.#typeName;
  }

  get deprecated(): boolean {
    return this.#record.records(MESSAGE.options)[0]?.number(MESSAGE_OPTIONS.deprecated) === 1;
  }

  get isMapEntry(): boolean {
    return this.#record.records(MESSAGE.options)[0]?.number(MESSAGE_OPTIONS.mapEntry) === 1;
  }

  get fields(): LazyField[] {
    return this.#read().fields;
  }

  get field(): Record<string, LazyField> {
    return this.#read().field;
  }

  get oneofs(): LazyOneof[] {
    return this.#read().oneofs;
  }

  get members(): (LazyField | LazyOneof)[] {
    return this.#read().members;
  }

  /** Without the entries of map fields, which no type names. */
  get nestedMessages(): LazyMessage[] {
    this.#nestedMessages ??= this.#allNested().filter((message) => !message.isMapEntry);
    return this.#nestedMessages;
  }

  get nestedEnums(): LazyEnum[] {
    this.#nestedEnums ??= this.#record
      .records(MESSAGE.enum)
      .map((record) => new LazyEnum(this.file, this, `${this.typeName}.`, record));
    return this.#nestedEnums;
  }

  mapEntry(typeName: string): { readonly key: LazyField; readonly value: LazyField } | undefined {
    const own = `.${this.typeName}.`;
    if (!typeName.startsWith(own)) return undefined;
    const name = typeName.slice(own.length);
    const entry = this.#allNested().find((message) => message.name === name);
    if (entry?.isMapEntry !== true) return undefined;
    const [key, value] = entry.fields;
    return key === undefined || value === undefined ? undefined : { key, value };
  }

  toString(): string {
    return `message ${this.typeName}`;
  }

  #allNested(): LazyMessage[] {
    this.#nested ??= this.#record
      .records(MESSAGE.nested)
      .map((record) => new LazyMessage(this.file, this, `${this.typeName}.`, record));
    return this.#nested;
  }

  #read(): Contents {
    this.#contents ??= this.#readContents();
    return this.#contents;
  }

  #readContents(): Contents {
    const contents: Contents = { fields: [], field: {}, oneofs: [], members: [] };
    const declared = this.#record.records(MESSAGE.oneof).map((record) => new LazyOneof(this, record.text(ONEOF.name)));
    for (const record of this.#record.records(MESSAGE.field)) {
      // The oneof of an `optional` field exists in the descriptor only.
      const inOneof = record.has(FIELD.oneofIndex) && record.number(FIELD.proto3Optional) !== 1;
      const oneof = inOneof ? declared[record.number(FIELD.oneofIndex)] : undefined;
      const field = new LazyField(this, record, oneof);
      contents.fields.push(field);
      contents.field[field.localName] = field;
      if (oneof === undefined) {
        contents.members.push(field);
        continue;
      }
      if (oneof.fields.length === 0) contents.members.push(oneof);
      oneof.fields.push(field);
    }
    contents.oneofs.push(...declared.filter((oneof) => oneof.fields.length > 0));
    return contents;
  }
}

/** In the library's type, of which what nothing at run time reads (`proto`) is left out. */
export function asDescMessage(lazy: LazyMessage): DescMessage {
  return lazy as unknown as DescMessage;
}
