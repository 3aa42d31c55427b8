import { createProblemSink } from "../problem.ts";
import type { Schema } from "./schema.ts";

/** The value that a message has when none of its fields is set. Errors: throws when a field is required (a bug of the definition). */
export function defaultsOf<T>(schema: Schema<T>): T {
  const sink = createProblemSink(schema.label);
  const value = schema.read({}, "", sink);
  if (value === undefined) throw new Error(`${schema.label} has required fields, so it has no defaults`);
  return value;
}
