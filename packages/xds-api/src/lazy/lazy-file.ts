import type { DescEnum, DescFile, DescMessage } from "@bufbuild/protobuf";
import { asDescEnum, LazyEnum } from "./lazy-enum.ts";
import { asDescMessage, LazyMessage } from "./lazy-message.ts";
import { LazyService } from "./lazy-service.ts";
import { EDITION_PROTO3, FILE } from "./numbers.ts";
import type { TypeScope } from "./type-scope.ts";
import { readRecord, type WireRecord } from "./wire-record.ts";

/** A file of ours, or one of the library's well-known ones. */
export type ImportedFile = LazyFile | DescFile;

/** A `.proto` file whose types are read when they are asked for: a proxy uses a part of Envoy's messages, and a part of their fields. */
export class LazyFile implements TypeScope {
  readonly kind = "file";
  readonly edition = EDITION_PROTO3;
  readonly deprecated = false;
  readonly extensions = [];
  readonly dependencies: readonly ImportedFile[];
  #encoded: string;
  #record: WireRecord | undefined;
  #package = "";
  #messages: LazyMessage[] | undefined;
  /** Messages that stand in no other. */
  #byName: Map<string, LazyMessage> | undefined;
  #enums: LazyEnum[] | undefined;
  #services: LazyService[] | undefined;

  constructor(encoded: string, imports: readonly ImportedFile[]) {
    this.#encoded = encoded;
    this.dependencies = imports;
  }

  get name(): string {
    return this.#read()
      .text(FILE.name)
      .replace(/\.proto$/, "");
  }

  /** With a dot at its end, or empty. */
  get package(): string {
    this.#read();
    return this.#package;
  }

  get messages(): LazyMessage[] {
    this.#messages ??= this.#read()
      .records(FILE.message)
      .map((record) => new LazyMessage(this, undefined, this.package, record));
    return this.#messages;
  }

  get enums(): LazyEnum[] {
    this.#enums ??= this.#read()
      .records(FILE.enum)
      .map((record) => new LazyEnum(this, undefined, this.package, record));
    return this.#enums;
  }

  get services(): LazyService[] {
    this.#services ??= this.#read()
      .records(FILE.service)
      .map((record) => new LazyService(this, this.package, record));
    return this.#services;
  }

  message(typeName: string): DescMessage {
    const name = withoutDot(typeName);
    const own = this.ownMessage(name);
    if (own !== undefined) return asDescMessage(own);
    for (const file of this.dependencies) {
      const found =
        file instanceof LazyFile ? file.ownMessage(name) : file.messages.find((message) => message.typeName === name);
      if (found !== undefined) return found instanceof LazyMessage ? asDescMessage(found) : found;
    }
    throw new Error(`${this.name} names message ${name}, which none of its imports has`);
  }

  enumeration(typeName: string): DescEnum {
    const name = withoutDot(typeName);
    const own = this.ownEnum(name);
    if (own !== undefined) return asDescEnum(own);
    for (const file of this.dependencies) {
      const found = file instanceof LazyFile ? file.ownEnum(name) : file.enums.find((one) => one.typeName === name);
      if (found !== undefined) return found instanceof LazyEnum ? asDescEnum(found) : found;
    }
    throw new Error(`${this.name} names enum ${name}, which none of its imports has`);
  }

  /** A message of this file by its full name. */
  ownMessage(typeName: string): LazyMessage | undefined {
    // Most names are of another file.
    if (!typeName.startsWith(this.package)) return undefined;
    let parts = this.#byName;
    if (parts === undefined) {
      parts = new Map(this.messages.map((message) => [message.name, message]));
      this.#byName = parts;
    }
    const [first = "", ...inner] = typeName.slice(this.package.length).split(".");
    let found = parts.get(first);
    for (const name of inner) found = found?.nestedMessages.find((message) => message.name === name);
    return found;
  }

  /** An enumeration of this file by its full name. */
  ownEnum(typeName: string): LazyEnum | undefined {
    const found = this.enums.find((one) => one.typeName === typeName);
    if (found !== undefined) return found;
    const parent = this.ownMessage(typeName.slice(0, typeName.lastIndexOf(".")));
    return parent?.nestedEnums.find((one) => one.typeName === typeName);
  }

  /** With nested ones. */
  allMessages(): LazyMessage[] {
    const withNested = (message: LazyMessage): LazyMessage[] => [
      message,
      ...message.nestedMessages.flatMap(withNested),
    ];
    return this.messages.flatMap(withNested);
  }

  /** With those inside messages. */
  allEnums(): LazyEnum[] {
    return [...this.enums, ...this.allMessages().flatMap((message) => message.nestedEnums)];
  }

  toString(): string {
    return `file ${this.name}.proto`;
  }

  #read(): WireRecord {
    if (this.#record === undefined) {
      this.#record = readRecord(Buffer.from(this.#encoded, "base64"));
      this.#encoded = "";
      const name = this.#record.text(FILE.package);
      this.#package = name === "" ? "" : `${name}.`;
    }
    return this.#record;
  }
}

function withoutDot(typeName: string): string {
  return typeName.startsWith(".") ? typeName.slice(1) : typeName;
}
