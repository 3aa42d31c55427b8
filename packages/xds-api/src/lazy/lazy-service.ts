import type { DescMessage, DescService } from "@bufbuild/protobuf";
import { safeObjectProperty } from "@bufbuild/protobuf/reflect";
import { METHOD, SERVICE } from "./numbers.ts";
import type { TypeScope } from "./type-scope.ts";
import type { WireRecord } from "./wire-record.ts";

class LazyMethod {
  readonly kind = "rpc";
  readonly deprecated = false;
  readonly parent: LazyService;
  readonly name: string;
  readonly localName: string;
  readonly methodKind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  readonly #record: WireRecord;

  constructor(parent: LazyService, record: WireRecord) {
    this.parent = parent;
    this.name = record.text(METHOD.name);
    this.localName = safeObjectProperty(this.name.slice(0, 1).toLowerCase() + this.name.slice(1));
    const fromClient = record.number(METHOD.clientStreaming) === 1;
    const fromServer = record.number(METHOD.serverStreaming) === 1;
    if (fromClient) this.methodKind = fromServer ? "bidi_streaming" : "client_streaming";
    else this.methodKind = fromServer ? "server_streaming" : "unary";
    this.#record = record;
  }

  get input(): DescMessage {
    return this.parent.file.message(this.#record.text(METHOD.input));
  }

  get output(): DescMessage {
    return this.parent.file.message(this.#record.text(METHOD.output));
  }

  toString(): string {
    return `rpc ${this.parent.typeName}.${this.name}`;
  }
}

/** A service whose methods are read when they are asked for. */
export class LazyService {
  readonly kind = "service";
  readonly deprecated = false;
  readonly file: TypeScope;
  readonly name: string;
  readonly typeName: string;
  readonly #record: WireRecord;
  #methods: LazyMethod[] | undefined;

  constructor(file: TypeScope, prefix: string, record: WireRecord) {
    this.file = file;
    this.name = record.text(SERVICE.name);
    this.typeName = prefix + this.name;
    this.#record = record;
  }

  get methods(): LazyMethod[] {
    this.#methods ??= this.#record.records(SERVICE.method).map((record) => new LazyMethod(this, record));
    return this.#methods;
  }

  get method(): Record<string, LazyMethod> {
    return Object.fromEntries(this.methods.map((method) => [method.localName, method]));
  }

  toString(): string {
    return `service ${this.typeName}`;
  }
}

/** In the library's type, of which what nothing at run time reads (`proto`) is left out. */
export function asDescService(lazy: LazyService): DescService {
  return lazy as unknown as DescService;
}
