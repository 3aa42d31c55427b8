import type { DescEnum, DescMessage } from "@bufbuild/protobuf";

/** Where a file finds the types that it names, and its own place. */
export interface TypeScope {
  /** Source: descriptor.proto, `Edition`. */
  readonly edition: number;
  /** `.a.b.C` or `a.b.C`. Errors: throws when neither the file nor its imports have it, which is a fault of the generated code. */
  message(typeName: string): DescMessage;
  enumeration(typeName: string): DescEnum;
}
