import { type AttributeSource, textOf } from "@heddle/expression";
import type { FilterState } from "../config/filter-state.ts";
import type { FormatCommand } from "../config/format.ts";
import { textOfBytes } from "../config/wire-text.ts";

/** Nothing for what is empty. */
export function dash(text: string): string | undefined {
  return text === "" ? undefined : text;
}

/** The value of `CEL(…)`. */
export function expressionText({ expression }: FormatCommand, source: AttributeSource): string | undefined {
  const text = textOf(expression?.evaluate(source));
  return text === undefined ? undefined : textOfBytes(text);
}

/** `FILTER_STATE(KEY:FORM)`: what filters left beside the request, or beside its connection. */
export function stateText(
  { argument }: FormatCommand,
  own: FilterState | undefined,
  connection: FilterState | undefined,
): string | undefined {
  const key = (argument ?? "").split(":")[0] ?? "";
  return (own?.get(key) ?? connection?.get(key))?.text;
}
