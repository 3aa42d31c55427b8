import { type DescField, type DescMessage, isFieldSet, type Message } from "@bufbuild/protobuf";
import type { DecodeScope } from "./scope.ts";

/** Reasons by field name, or names that share one reason. */
export type FieldReasons = Readonly<Record<string, string>>;

/** Which fields of a message this proxy implements. What is in neither list is refused when it is set. */
export interface Shape {
  readonly schema: DescMessage;
  readonly supported: readonly string[];
  /** Accepted without effect; why is in `reasons`. */
  readonly ignored: readonly string[];
  readonly refused: readonly string[];
  /** The same as fields: they are looked at for each message, of which there may be many thousands. */
  readonly refusedFields: readonly DescField[];
  /** Why a field is ignored or refused, where there is more to say than that this proxy lacks it. */
  readonly reasons: ReadonlyMap<string, string>;
}

const REFUSED = "this proxy does not implement the field; remove it or use the Envoy data plane for this workload";

/**
 * `ignored` and `refused` give reasons: a key is one field or several joined by spaces.
 * Errors: throws for a name that the message does not have, which is a bug in the decoder.
 */
export function shape(
  schema: DescMessage,
  supported: readonly string[],
  ignored: FieldReasons = {},
  refusedBecause: FieldReasons = {},
): Shape {
  const names = schema.fields.map((field) => field.name);
  const reasons = new Map<string, string>();
  const ignoredNames = spread(ignored, reasons);
  const explained = spread(refusedBecause, reasons);
  for (const name of [...supported, ...ignoredNames, ...explained]) {
    if (!names.includes(name)) throw new Error(`${schema.typeName} has no field ${name}`);
  }
  for (const name of explained) {
    if (supported.includes(name) || ignoredNames.includes(name))
      throw new Error(`${schema.typeName}.${name} can't be both refused and accepted`);
  }
  const refused = names.filter((name) => !supported.includes(name) && !ignoredNames.includes(name));
  const refusedFields = schema.fields.filter((field) => refused.includes(field.name));
  return { schema, supported, ignored: ignoredNames, refused, refusedFields, reasons };
}

function spread(list: FieldReasons, reasons: Map<string, string>): readonly string[] {
  const out: string[] = [];
  for (const [names, reason] of Object.entries(list)) {
    for (const name of names.split(" ")) {
      out.push(name);
      reasons.set(name, reason);
    }
  }
  return out;
}

/** Reports every field that is set and that this proxy refuses. */
export function checkShape(of: Shape, message: Message, scope: DecodeScope): void {
  for (const field of of.refusedFields) {
    if (!isFieldSet(message, field)) continue;
    const reason = of.reasons.get(field.name);
    scope.field(field.name).problem(reason === undefined ? REFUSED : `refused: ${reason}`);
  }
  for (const unknown of message.$unknown ?? [])
    scope.problem(`field number ${unknown.no} of ${of.schema.typeName} is newer than this proxy; remove it`);
}
