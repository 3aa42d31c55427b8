import { err, ok, type Result } from "@heddle/std";
import { compile, type ExpressionUse, type Notes } from "./compile.ts";
import type { AttributeSource, Value, ValueType } from "./operation.ts";
import { parse } from "./parse.ts";
import { ExpressionProblem } from "./problem.ts";

export type { ExpressionUse } from "./compile.ts";

/** An expression that was checked and is ready to run. */
export interface Expression {
  readonly text: string;
  readonly type: ValueType;
  /** Everything that it asks for, each once. */
  readonly uses: readonly ExpressionUse[];
  /** It has `string()` or `+` of strings, which real Envoy's conditions do not. */
  readonly makesText: boolean;
  /** Undefined: something that it needs has no value. */
  evaluate(source: AttributeSource): Value | undefined;
}

/** Longer than this is no expression that somebody wrote. Units: characters. */
const MAX_LENGTH = 2048;

/**
 * The part of CEL that tags of metrics and filters of access logs need: literals, lists, attributes, `?:`, `&& || !`, comparisons, `in`,
 * arithmetic, `has`, `size`, conversions, tests of strings. Types are checked here, not when it runs.
 * Errors: a sentence with the place.
 */
export function compileExpression(text: string): Result<Expression> {
  if (text.trim() === "") return err("is empty; write an expression, such as request.host, or text in quotes: 'prod'");
  if (text.length > MAX_LENGTH) return err(`has ${text.length} characters; ${MAX_LENGTH} are the limit`);
  const notes: Notes = { uses: [], makesText: false };
  try {
    const operation = compile(parse(text), notes);
    return ok({ text, type: operation.type, ...notes, evaluate: (source) => operation.run(source) });
  } catch (error) {
    if (!(error instanceof ExpressionProblem)) throw error;
    return err(`cannot be read at character ${error.at + 1}: ${error.message}`);
  }
}

/** A value as a label or a line has it; undefined for what has no text. */
export function textOf(value: Value | undefined): string | undefined {
  return value === undefined || typeof value === "object" ? undefined : String(value);
}
