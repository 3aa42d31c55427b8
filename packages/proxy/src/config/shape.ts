import { type DescField, type DescMessage, isFieldSet, type Message } from "@bufbuild/protobuf";
import { fieldText, messagesIn } from "./field-text.ts";
import type { DecodeScope } from "./scope.ts";

/** Reasons by field name, or names that share one reason. */
export type FieldReasons = Readonly<Record<string, string>>;

/** What a field may say, as text (`false`, `5s`, `DEFAULT`, `{}`): Envoy's default, and what the proxy does anyway. */
export interface OnlyValues {
  readonly values: readonly string[];
  readonly reason: string;
}

/** Of Envoy's API, wherever a message asks for one. */
export const VERSION_3: OnlyValues = { values: ["AUTO", "V3"], reason: "there is version 3 only" };

/** Fields that are neither implemented in full nor refused in full. A key is one field or several joined by spaces. */
export interface PartFields {
  readonly only?: Readonly<Record<string, OnlyValues>>;
  /** Taken, though the proxy does not do all that Envoy does; why that is no harm stands in decision 0013. */
  readonly differs?: FieldReasons;
  /** Messages inside fields that are supported: which of their fields are. */
  readonly inside?: Readonly<Record<string, Shape>>;
}

/** Which fields of a message this proxy implements. What is in no list is refused when it is set. */
export interface Shape {
  readonly schema: DescMessage;
  readonly supported: readonly string[];
  /** By Envoy's own definition they change neither traffic nor what users see; why is in `reasons`. */
  readonly inert: readonly string[];
  readonly differs: readonly string[];
  readonly refused: readonly string[];
  /** The same as fields, with those of which only some values are taken: they are looked at for each message, of which there may be thousands. */
  readonly refusedFields: readonly DescField[];
  readonly only: ReadonlyMap<string, OnlyValues>;
  readonly inside: readonly (readonly [field: DescField, shape: Shape])[];
  /** Why a field is not just supported, where there is more to say than that this proxy lacks it. */
  readonly reasons: ReadonlyMap<string, string>;
}

const REFUSED = "this proxy does not implement the field; remove it or use the Envoy data plane for this workload";

/** What the lists of a shape come to. */
type Lists = Omit<Shape, "schema" | "supported">;

/** Put together when it is first asked for: a proxy meets a part of Envoy's messages, and their fields are read for this alone. */
class LazyShape implements Shape {
  readonly schema: DescMessage;
  readonly supported: readonly string[];
  #lists: Lists | (() => Lists);

  constructor(schema: DescMessage, supported: readonly string[], lists: () => Lists) {
    this.schema = schema;
    this.supported = supported;
    this.#lists = lists;
  }

  get inert(): readonly string[] {
    return this.#read().inert;
  }
  get differs(): readonly string[] {
    return this.#read().differs;
  }
  get refused(): readonly string[] {
    return this.#read().refused;
  }
  get refusedFields(): readonly DescField[] {
    return this.#read().refusedFields;
  }
  get only(): ReadonlyMap<string, OnlyValues> {
    return this.#read().only;
  }
  get inside(): Shape["inside"] {
    return this.#read().inside;
  }
  get reasons(): ReadonlyMap<string, string> {
    return this.#read().reasons;
  }

  #read(): Lists {
    if (typeof this.#lists === "function") this.#lists = this.#lists();
    return this.#lists;
  }
}

/**
 * `inert` and `refused` give reasons: a key is one field or several joined by spaces.
 * Errors: throws at first use for a name that the message does not have, or that stands twice, which is a bug in the decoder.
 */
export function shape(
  schema: DescMessage,
  supported: readonly string[],
  inert: FieldReasons = {},
  refusedBecause: FieldReasons = {},
  parts: PartFields = {},
): Shape {
  return new LazyShape(schema, supported, () => sortFields(schema, supported, inert, refusedBecause, parts));
}

function sortFields(
  schema: DescMessage,
  supported: readonly string[],
  inert: FieldReasons,
  refusedBecause: FieldReasons,
  { only = {}, differs = {}, inside = {} }: PartFields,
): Lists {
  const reasons = new Map<string, string>();
  const inertNames = spread(inert, reasons);
  const explained = spread(refusedBecause, reasons);
  const differing = spread(differs, reasons);
  const limited = new Map<string, OnlyValues>();
  for (const [names, values] of Object.entries(only)) {
    for (const name of names.split(" ")) {
      limited.set(name, values);
      reasons.set(name, values.reason);
    }
  }
  const taken = [...supported, ...inertNames, ...differing, ...limited.keys()];
  const seen = new Set<string>();
  for (const name of [...taken, ...explained]) {
    if (!schema.fields.some((field) => field.name === name)) throw new Error(`${schema.typeName} has no field ${name}`);
    if (seen.has(name)) throw new Error(`${schema.typeName}.${name} can't be in two lists`);
    seen.add(name);
  }
  const refused = schema.fields.map((field) => field.name).filter((name) => !taken.includes(name));
  const refusedFields = schema.fields.filter(({ name }) => refused.includes(name) || limited.has(name));
  const nested = Object.entries(inside).map(([name, shape]) => [fieldOf(schema, name), shape] as const);
  return {
    inert: inertNames,
    differs: differing,
    refused,
    refusedFields,
    only: limited,
    inside: nested,
    reasons,
  };
}

function fieldOf(schema: DescMessage, name: string): DescField {
  const field = schema.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`${schema.typeName} has no field ${name}`);
  return field;
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

/** Reports every field that is set and that this proxy refuses, or whose value it refuses. */
export function checkShape(of: Shape, message: Message, scope: DecodeScope): void {
  for (const field of of.refusedFields) {
    if (!isFieldSet(message, field)) continue;
    const reason = of.reasons.get(field.name);
    const only = of.only.get(field.name);
    if (only === undefined) scope.field(field.name).problem(reason === undefined ? REFUSED : `refused: ${reason}`);
    else {
      const found = fieldText(message, field);
      if (!only.values.includes(found))
        scope.field(field.name).problem(`refused: ${found} is not ${only.values.join(" or ")}: ${only.reason}`);
    }
  }
  for (const [field, shape] of of.inside) {
    if (!isFieldSet(message, field)) continue;
    const at = scope.field(field.name);
    messagesIn(message, field).forEach((inner, i) => {
      checkShape(shape, inner, field.fieldKind === "list" ? at.item(i) : at);
    });
  }
  for (const unknown of message.$unknown ?? [])
    scope.problem(`field number ${unknown.no} of ${of.schema.typeName} is newer than this proxy; remove it`);
}
