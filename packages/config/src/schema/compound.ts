import { nearest } from "@heddle/std";
import { isObject } from "../json.ts";
import type { ProblemSink } from "../problem.ts";
import { describe, type FieldMap, type Infer, type Schema } from "./schema.ts";

type AlwaysKeys<F extends FieldMap> = { [K in keyof F]: F[K] extends Schema<unknown, true> ? K : never }[keyof F];
type Flatten<T> = { [K in keyof T]: T[K] };

/** The type of a message: fields with a default or a requirement are always there, others may be absent. */
export type MessageOf<F extends FieldMap> = Flatten<
  { readonly [K in AlwaysKeys<F>]: Infer<F[K]> } & { readonly [K in Exclude<keyof F, AlwaysKeys<F>>]?: Infer<F[K]> }
>;

export interface MessageOptions<F extends FieldMap> {
  /** Unknown fields are left out silently instead of being problems. */
  readonly open?: boolean;
  /** Groups of fields of which at most one may be set (protobuf `oneof`). */
  readonly exclusive?: readonly (readonly (keyof F & string)[])[];
  /** Like `exclusive`, and one has to be set. */
  readonly exactlyOne?: readonly (readonly (keyof F & string)[])[];
  /** Conditions over several fields; report through the sink, paths relative to `path`. */
  readonly check?: (value: MessageOf<F>, path: string, sink: ProblemSink) => void;
}

/** An object with known fields. An unknown field is a problem that names the nearest known one. */
export function message<const F extends FieldMap>(
  label: string,
  fields: F,
  options: MessageOptions<F> = {},
): Schema<MessageOf<F>, false> {
  const names = Object.keys(fields);
  return {
    always: false,
    required: false,
    fallback: undefined,
    deprecation: undefined,
    label,
    fields,
    openApi: messageOpenApi(fields),
    read(value, path, sink) {
      if (!isObject(value)) {
        sink.error(path, `expected an object (${label}), got ${describe(value)}`);
        return undefined;
      }
      const out: Record<string, unknown> = {};
      let complete = true;
      for (const key of Object.keys(value)) {
        if (options.open === true || value[key] === undefined || Object.hasOwn(fields, key)) continue;
        const close = nearest(key, names);
        sink.error(
          join(path, key),
          `unknown field${close === undefined ? `; ${label} has ${names.join(", ")}` : `; did you mean ${close}?`}`,
        );
      }
      for (const name of names) {
        const field = fields[name];
        if (field === undefined) continue;
        const member = value[name];
        if (member === undefined || member === null) {
          if (field.required) {
            sink.error(join(path, name), "is required");
            complete = false;
          } else if (field.fallback !== undefined) out[name] = field.fallback;
          continue;
        }
        // What is refused says so as an error.
        if (field.deprecation !== undefined && !field.deprecation.startsWith("refused: "))
          sink.warn(join(path, name), field.deprecation);
        const read = field.read(member, join(path, name), sink);
        if (read === undefined) complete = false;
        else out[name] = read;
      }
      if (!checkGroups(value, path, sink, options.exclusive, options.exactlyOne)) complete = false;
      if (!complete) return undefined;
      const result = out as MessageOf<F>;
      options.check?.(result, path, sink);
      return result;
    },
  };
}

function checkGroups(
  value: { readonly [key: string]: unknown },
  path: string,
  sink: ProblemSink,
  exclusive: readonly (readonly string[])[] = [],
  exactlyOne: readonly (readonly string[])[] = [],
): boolean {
  let fine = true;
  for (const group of [...exclusive, ...exactlyOne]) {
    const set = group.filter((name) => value[name] !== undefined && value[name] !== null);
    if (set.length > 1) {
      sink.error(path, `only one of ${group.join(", ")} may be set, found ${set.join(" and ")}`);
      fine = false;
    }
  }
  for (const group of exactlyOne) {
    if (group.some((name) => value[name] !== undefined && value[name] !== null)) continue;
    sink.error(path, `one of ${group.join(", ")} is required`);
    fine = false;
  }
  return fine;
}

function messageOpenApi(fields: FieldMap): Schema<unknown>["openApi"] {
  const entries = Object.entries(fields);
  const needed = entries.filter(([, field]) => field.required).map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name, field]) => [name, field.openApi])),
    ...(needed.length > 0 ? { required: needed } : {}),
  };
}

/** A list; absent means empty. */
export function list<T>(element: Schema<T>): Schema<readonly T[], true> {
  return {
    always: true,
    required: false,
    fallback: [],
    deprecation: undefined,
    label: `${element.label}[]`,
    fields: element.fields,
    openApi: { type: "array", items: element.openApi },
    read(value, path, sink) {
      if (!Array.isArray(value)) {
        sink.error(path, `expected a list, got ${describe(value)}; write it as "- item" lines`);
        return undefined;
      }
      const out: T[] = [];
      let complete = true;
      value.forEach((item, index) => {
        const read = element.read(item, `${path}[${index}]`, sink);
        if (read === undefined) complete = false;
        else out.push(read);
      });
      return complete ? out : undefined;
    },
  };
}

/** String keys to values; absent means empty. */
export function map<T>(element: Schema<T>): Schema<Readonly<Record<string, T>>, true> {
  return {
    always: true,
    required: false,
    fallback: {},
    deprecation: undefined,
    label: `map<string, ${element.label}>`,
    fields: element.fields,
    openApi: { type: "object", additionalProperties: element.openApi },
    read(value, path, sink) {
      if (!isObject(value)) {
        sink.error(path, `expected a map, got ${describe(value)}`);
        return undefined;
      }
      const out: Record<string, T> = {};
      let complete = true;
      for (const [key, member] of Object.entries(value)) {
        const read = element.read(member, `${path}[${JSON.stringify(key)}]`, sink);
        if (read === undefined) complete = false;
        else out[key] = read;
      }
      return complete ? out : undefined;
    },
  };
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
