import { UsageError } from "../context.ts";
import { printable } from "./tap-line.ts";

/** One step into a value; `*` is all of its parts. */
type Step = string | number | "*";
type Piece = { readonly text: string } | { readonly steps: readonly Step[] };

/** Makes the text of one object. */
export type JsonPathPrinter = (value: unknown) => string;

const STEP = /^(?:\.(?<field>(?:\\.|[^.[\]\\{}\s])+)|\[(?<index>-?\d+)\]|\[(?<all>\*)\]|\['(?<quoted>[^']*)'\])/;
const ESCAPES: Readonly<Record<string, string>> = { "\\n": "\n", "\\t": "\t", '\\"': '"', "\\'": "'", "\\\\": "\\" };

/**
 * Reads kubectl's JSONPath templates: text, and in braces a path (`{.requestInitEvent.path}`, `{.a[0]['b']}`, `{.headers[*].name}`) or a literal
 * (`{"\n"}`). Errors: UsageError naming the part that can't be read.
 */
export function parseJsonPath(template: string): JsonPathPrinter {
  // kubectl takes a bare path, too.
  const pieces = piecesOf(/^[.$]/.test(template) ? `{${template}}` : template);
  return (value) =>
    pieces.map((piece) => ("text" in piece ? piece.text : found([value], piece.steps).map(shown).join(" "))).join("");
}

function piecesOf(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const [part] of template.matchAll(/\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^}"'])*\}|[^{]+|\{/g)) {
    if (!part.startsWith("{")) pieces.push({ text: part });
    else if (!part.endsWith("}")) throw new UsageError(`-o jsonpath: ${template} has a { or a quote without its end`);
    else pieces.push(insideOf(part.slice(1, -1).trim()));
  }
  if (pieces.length === 0) throw new UsageError("-o jsonpath: give a template, as jsonpath='{.requestInitEvent.path}'");
  return pieces;
}

function insideOf(text: string): Piece {
  const literal = /^(["'])((?:\\.|(?!\1)[^\\])*)\1$/.exec(text)?.[2];
  if (literal !== undefined) return { text: literal.replace(/\\./g, (pair) => ESCAPES[pair] ?? pair) };
  const steps: Step[] = [];
  let rest = text.replace(/^[$@]/, "");
  while (rest !== "" && rest !== ".") {
    const step = STEP.exec(rest);
    if (step === null)
      throw new UsageError(
        `-o jsonpath: can't read {${text}} from ${JSON.stringify(rest)} on; use fields and indices, as {.requestInitEvent.headers[*].name}`,
      );
    const { field, index, quoted } = step.groups ?? {};
    if (field !== undefined) steps.push(field.replace(/\\(.)/g, "$1"));
    else if (index !== undefined) steps.push(Number(index));
    else steps.push(quoted ?? "*");
    rest = rest.slice(step[0].length);
  }
  return { steps };
}

/** What is not there is left out, as with Linkerd's `tap`. */
function found(values: readonly unknown[], [step, ...rest]: readonly Step[]): readonly unknown[] {
  if (step === undefined) return values;
  const next = values.flatMap((value): readonly unknown[] => {
    if (typeof value !== "object" || value === null) return [];
    if (step === "*") return Object.values(value);
    if (typeof step === "number")
      return Array.isArray(value) ? value.slice(step, step === -1 ? undefined : step + 1) : [];
    return Object.hasOwn(value, step) ? [Reflect.get(value, step)] : [];
  });
  return found(next, rest);
}

function shown(value: unknown): string {
  return typeof value === "string" ? printable(value) : JSON.stringify(value);
}
