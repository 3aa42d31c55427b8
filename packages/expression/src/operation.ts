// Hot path: operations run once per request where a metric or a log has an expression.
import type { RE2JS } from "re2js";

export type AttributeValue = string | number | boolean;

/** Where an expression takes attributes from. */
export interface AttributeSource {
  /** `key`: of a map the entry that is asked for, else "". Undefined: it has none. */
  read(attribute: string, key: string): AttributeValue | undefined;
}

export type ValueType = "string" | "int" | "double" | "bool" | "list";
export type Value = AttributeValue | readonly AttributeValue[];

/** A step of an expression that is ready to run; `run` gives undefined where it has no value, as CEL an error. */
export interface Operation {
  readonly type: ValueType;
  /** Of a list: what its elements are; undefined for the empty list. */
  readonly element?: ValueType | undefined;
  run(source: AttributeSource): Value | undefined;
}

export const constant = (type: ValueType, value: Value, element?: ValueType): Operation => ({
  type,
  element,
  run: () => value,
});

export const attribute = (type: ValueType, name: string, key: string): Operation => ({
  type,
  run: (source) => source.read(name, key),
});

export const present = (name: string, key: string): Operation => ({
  type: "bool",
  run: (source) => source.read(name, key) !== undefined,
});

export const not = (of: Operation): Operation => ({
  type: "bool",
  run: (source) => {
    const value = of.run(source);
    return value === undefined ? undefined : value !== true;
  },
});

export const minus = (of: Operation): Operation => ({
  type: of.type,
  run: (source) => {
    const value = of.run(source);
    return typeof value === "number" ? -value : undefined;
  },
});

/** `decides`: the value of one side that makes the other's irrelevant, even when that has none. */
export const either = (left: Operation, right: Operation, decides: boolean): Operation => ({
  type: "bool",
  run: (source) => {
    const first = left.run(source);
    if (first === decides) return decides;
    const second = right.run(source);
    if (second === decides) return decides;
    return first === undefined || second === undefined ? undefined : !decides;
  },
});

export const choice = (test: Operation, yes: Operation, no: Operation): Operation => ({
  type: yes.type,
  element: yes.element ?? no.element,
  run: (source) => {
    const value = test.run(source);
    return value === undefined ? undefined : value === true ? yes.run(source) : no.run(source);
  },
});

/** An operation on two values that are there. */
export const both = (
  type: ValueType,
  left: Operation,
  right: Operation,
  of: (a: Value, b: Value) => Value | undefined,
): Operation => ({
  type,
  run: (source) => {
    const a = left.run(source);
    if (a === undefined) return undefined;
    const b = right.run(source);
    return b === undefined ? undefined : of(a, b);
  },
});

export const one = (type: ValueType, from: Operation, of: (value: Value) => Value | undefined): Operation => ({
  type,
  run: (source) => {
    const value = from.run(source);
    return value === undefined ? undefined : of(value);
  },
});

export const list = (items: readonly Operation[]): Operation => ({
  type: "list",
  element: items[0]?.type,
  run: (source) => {
    const values: AttributeValue[] = [];
    for (const item of items) {
      const value = item.run(source);
      if (value === undefined || typeof value === "object") return undefined;
      values.push(value);
    }
    return values;
  },
});

export const matches = (from: Operation, pattern: RE2JS): Operation =>
  one("bool", from, (value) => typeof value === "string" && pattern.matcher(value).find());
