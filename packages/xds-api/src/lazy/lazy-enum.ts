import type { DescEnum } from "@bufbuild/protobuf";
import { safeObjectProperty } from "@bufbuild/protobuf/reflect";
import { ENUM, ENUM_OPTIONS, ENUM_VALUE, ENUM_VALUE_OPTIONS } from "./numbers.ts";
import type { TypeScope } from "./type-scope.ts";
import type { WireRecord } from "./wire-record.ts";

class LazyEnumValue {
  readonly kind = "enum_value";
  readonly parent: LazyEnum;
  readonly name: string;
  readonly localName: string;
  readonly number: number;
  readonly deprecated: boolean;

  constructor(parent: LazyEnum, record: WireRecord, prefixLength: number) {
    this.parent = parent;
    this.name = record.text(ENUM_VALUE.name);
    this.localName = safeObjectProperty(this.name.slice(prefixLength));
    this.number = record.number(ENUM_VALUE.number);
    this.deprecated = record.records(ENUM_VALUE.options)[0]?.number(ENUM_VALUE_OPTIONS.deprecated) === 1;
  }

  get jsonName(): string {
    return this.name;
  }

  toString(): string {
    return `enum value ${this.parent.typeName}.${this.name}`;
  }
}

/** An enumeration whose values are read when they are asked for. */
export class LazyEnum {
  readonly kind = "enum";
  /** Proto3: numbers without a name are kept. */
  readonly open = true;
  readonly file: TypeScope;
  readonly parent: { readonly typeName: string } | undefined;
  readonly name: string;
  readonly typeName: string;
  readonly #record: WireRecord;
  #values: LazyEnumValue[] | undefined;
  #value: Record<number, LazyEnumValue> | undefined;

  constructor(file: TypeScope, parent: { readonly typeName: string } | undefined, prefix: string, record: WireRecord) {
    this.file = file;
    this.parent = parent;
    this.name = record.text(ENUM.name);
    this.typeName = prefix + this.name;
    this.#record = record;
  }

  get deprecated(): boolean {
    return this.#record.records(ENUM.options)[0]?.number(ENUM_OPTIONS.deprecated) === 1;
  }

  get values(): LazyEnumValue[] {
    if (this.#values === undefined) {
      const records = this.#record.records(ENUM.value);
      const prefixLength = sharedPrefix(this.name, records)?.length ?? 0;
      this.#values = records.map((record) => new LazyEnumValue(this, record, prefixLength));
    }
    return this.#values;
  }

  /** By number; of aliases the first. */
  get value(): Record<number, LazyEnumValue> {
    if (this.#value === undefined) {
      this.#value = {};
      for (const value of this.values) this.#value[value.number] ??= value;
    }
    return this.#value;
  }

  get sharedPrefix(): string | undefined {
    return sharedPrefix(this.name, this.#record.records(ENUM.value));
  }

  toString(): string {
    return `enum ${this.typeName}`;
  }
}

/** `color_` for `enum Color { COLOR_RED = 0; … }`: what the generated names leave out. */
function sharedPrefix(name: string, values: readonly WireRecord[]): string | undefined {
  const snake = name.slice(0, 1) + name.slice(1).replace(/[A-Z]/g, (letter) => `_${letter}`);
  const prefix = `${snake.toLowerCase()}_`;
  for (const value of values) {
    const text = value.text(ENUM_VALUE.name);
    if (!text.toLowerCase().startsWith(prefix)) return undefined;
    if (text.length === prefix.length || /\d/.test(text[prefix.length] ?? "")) return undefined;
  }
  return prefix;
}

/** In the library's type, of which what nothing at run time reads (`proto`) is left out. */
export function asDescEnum(lazy: LazyEnum): DescEnum {
  return lazy as unknown as DescEnum;
}
