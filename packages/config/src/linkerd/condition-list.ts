import type { ProblemSink } from "../problem.ts";
import { describe } from "../schema/schema.ts";

/** A ServiceProfile's `all` or `any`. Undefined: something in it was refused. */
export function readConditions<T>(
  value: unknown,
  path: string,
  sink: ProblemSink,
  read: (item: unknown, path: string) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value)) {
    sink.error(path, `expected a list of conditions, got ${describe(value)}`);
    return undefined;
  }
  const found = value.map((item, i) => read(item, `${path}[${i}]`));
  return found.every((item) => item !== undefined) ? found : undefined;
}
