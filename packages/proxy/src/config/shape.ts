import { type DescMessage, isFieldSet, type Message } from "@bufbuild/protobuf";
import type { DecodeScope } from "./scope.ts";

/** Which fields of a message this proxy implements. What is in neither list is refused when it is set. */
export interface Shape {
  readonly schema: DescMessage;
  readonly supported: readonly string[];
  /** Accepted without effect, each for a reason that stands beside it. */
  readonly ignored: readonly string[];
  readonly refused: readonly string[];
}

/** Errors: throws for a name that the message does not have, which is a bug in the decoder. */
export function shape(schema: DescMessage, supported: readonly string[], ignored: readonly string[] = []): Shape {
  const names = schema.fields.map((field) => field.name);
  for (const name of [...supported, ...ignored]) {
    if (!names.includes(name)) throw new Error(`${schema.typeName} has no field ${name}`);
  }
  const refused = names.filter((name) => !supported.includes(name) && !ignored.includes(name));
  return { schema, supported, ignored, refused };
}

/** Reports every field that is set and that this proxy refuses. */
export function checkShape(of: Shape, message: Message, scope: DecodeScope): void {
  for (const field of of.schema.fields) {
    if (!of.refused.includes(field.name) || !isFieldSet(message, field)) continue;
    scope
      .field(field.name)
      .problem("this proxy does not implement the field; remove it or use the Envoy data plane for this workload");
  }
}
