import type { JsonObject } from "../json.ts";
import type { ProblemSink } from "../problem.ts";

/** One field is described once; parsing, TypeScript types, CRD schema and documentation come from the same value. */
export interface Schema<T, Always extends boolean = boolean> {
  /** True when a message always has the field: it is required, or has a default. */
  readonly always: Always;
  /** Set when absence is an error. */
  readonly required: boolean;
  /** The value of an absent field; undefined when the field then stays absent. */
  readonly fallback: T | undefined;
  /** Structural OpenAPI v3 schema, as a CRD wants it. */
  readonly openApi: JsonObject;
  /** Name for documentation tables: `string`, `Duration`, `HTTPRoute[]`. */
  readonly label: string;
  /** Fields of a message, or of a list's or map's elements. */
  readonly fields: FieldMap | undefined;
  /** Said as a warning whenever the field is set. */
  readonly deprecation: string | undefined;
  /** For documentation only. */
  readonly remark?: string;
  /** Reads `value`; returns undefined after having recorded at least one problem. */
  read(value: unknown, path: string, sink: ProblemSink): T | undefined;
}

export type FieldMap = Readonly<Record<string, Schema<unknown>>>;

/** The TypeScript type of what a schema reads. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** A leaf schema. */
export function leaf<T>(
  label: string,
  openApi: JsonObject,
  read: (value: unknown, path: string, sink: ProblemSink) => T | undefined,
): Schema<T, false> {
  return {
    always: false,
    required: false,
    fallback: undefined,
    openApi,
    label,
    fields: undefined,
    deprecation: undefined,
    read,
  };
}

/** The field has this value when it is absent. */
export function withDefault<T>(schema: Schema<T>, fallback: T): Schema<T, true> {
  return { ...schema, always: true, required: false, fallback };
}

/** Absence is a problem. */
export function required<T>(schema: Schema<T>): Schema<T, true> {
  return { ...schema, always: true, required: true, fallback: undefined };
}

/** Setting the field gives a warning; `advice` says what to use instead. */
export function deprecated<T, A extends boolean>(schema: Schema<T, A>, advice: string): Schema<T, A> {
  return { ...schema, deprecation: advice };
}

/** An additional condition on a value that has the right shape. `test` returns the reason when it fails. */
export function refine<T, A extends boolean>(
  schema: Schema<T, A>,
  test: (value: T) => string | undefined,
): Schema<T, A> {
  return {
    ...schema,
    read(value, path, sink) {
      const read = schema.read(value, path, sink);
      if (read === undefined) return undefined;
      const reason = test(read);
      if (reason === undefined) return read;
      sink.error(path, reason);
      return undefined;
    },
  };
}

/** A field that the API has and Heddle does not act on: accepted, with a warning that says so. */
export function ignored<T, A extends boolean>(schema: Schema<T, A>, because: string): Schema<T, A> {
  return { ...schema, deprecation: `has no effect: ${because}` };
}

/** Something that documentation has to say of a field that is acted on. */
export function remarked<T, A extends boolean>(schema: Schema<T, A>, remark: string): Schema<T, A> {
  return { ...schema, remark };
}

/** A field that must not be left without effect, because what it asks for protects something: setting it is a problem. */
export function unavailable<T, A extends boolean>(schema: Schema<T, A>, reason: string): Schema<T, A> {
  return {
    ...refine(schema, () => reason),
    deprecation: `refused: ${reason}`,
  };
}

/** Says what JSON a value is, for messages. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string")
    return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
  return `the ${typeof value} ${String(value)}`;
}
