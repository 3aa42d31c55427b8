import { hostname } from "node:os";
import { compileExpression, type Expression } from "@heddle/expression";
import { FORMAT_OPERATORS } from "@heddle/std";
import type { DecodeScope } from "./scope.ts";
import { bytesOfText, textOfBytes } from "./wire-text.ts";

/** A command of Envoy's substitution language: `%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):10%`. */
export interface FormatCommand {
  readonly name: string;
  /** Text in the parentheses, as written; undefined without parentheses. */
  readonly argument: string | undefined;
  /** The argument of `REQ` and its like, `a?b`: the header and those that stand in for it, in lower case. */
  readonly headers: readonly string[];
  /** Of `CEL(…)`. */
  readonly expression?: Expression;
  /** Characters kept of the value. */
  readonly maxLength: number | undefined;
  /** The value came in a head: one character for each byte. Others are Unicode. */
  readonly bytes: boolean;
}

/** A compiled substitution text. */
export interface Format {
  readonly segments: readonly (string | FormatCommand)[];
  /** The text itself when there are no commands. */
  readonly constant: string | undefined;
}

/** Where the values come from; `undefined` renders as `-`. */
export interface FormatValues {
  command(command: FormatCommand): string | undefined;
}

const PATTERN = /%(?:%|([A-Z0-9_]+)(?:\(((?:[^()]|\([^()]*\))*)\))?(?::(\d+))?%)/g;

/** Errors: unknown operators and a lone percent sign. */
export function compileFormat(text: string, scope: DecodeScope): Format {
  const segments: (string | FormatCommand)[] = [];
  let literal = "";
  let end = 0;
  for (const match of text.matchAll(PATTERN)) {
    literal += text.slice(end, match.index);
    end = match.index + match[0].length;
    const name = match[1];
    if (name === undefined) {
      literal += "%";
      continue;
    }
    const constant = constantOf(name, match[2], match[3]);
    if (constant !== undefined) {
      literal += constant;
      continue;
    }
    if (!FORMAT_OPERATORS.has(name) && !OWN_OPERATORS.has(name))
      scope.problem(`%${name}% is not a command operator that this proxy knows`);
    if (literal !== "") segments.push(literal);
    literal = "";
    segments.push(commandOf(name, match[2], match[3], scope));
  }
  const rest = text.slice(end);
  if (rest.includes("%"))
    scope.problem(`"${text}" has a percent sign that starts no command; write %% for the sign itself`);
  literal += rest;
  if (segments.length === 0) return { segments: [literal], constant: literal };
  if (literal !== "") segments.push(literal);
  return { segments, constant: undefined };
}

/** Envoy has them by a formatter extension that its configuration names; here they are built in. */
const OWN_OPERATORS: ReadonlySet<string> = new Set(["REQ_WITHOUT_QUERY"]);

/** Their values come from heads. */
const OF_HEADS: ReadonlySet<string> = new Set(
  (
    "REQ REQUEST_HEADER RESP RESPONSE_HEADER TRAILER RESPONSE_TRAILER REQ_WITHOUT_QUERY PATH QUERY_PARAM QUERY_PARAMS " +
    "STREAM_ID"
  ).split(" "),
);

function commandOf(
  name: string,
  argument: string | undefined,
  maxLength: string | undefined,
  scope: DecodeScope,
): FormatCommand {
  const expression = name === "CEL" || name === "TYPED_CEL" ? compileExpression(argument ?? "") : undefined;
  if (expression?.ok === false) scope.problem(`%${name}(${argument ?? ""})%: ${expression.error}`);
  return {
    ...(expression?.ok === true ? { expression: expression.value } : {}),
    name,
    argument,
    headers: (argument ?? "").split("?").map((header) => header.trim().toLowerCase()),
    maxLength: maxLength === undefined ? undefined : Number(maxLength),
    bytes: OF_HEADS.has(name),
  };
}

/** What is the same for all exchanges of the process. */
function constantOf(name: string, argument: string | undefined, maxLength: string | undefined): string | undefined {
  if (name === "HOSTNAME") return hostname();
  if (name !== "ENVIRONMENT") return undefined;
  const value = process.env[argument ?? ""] ?? "-";
  return maxLength === undefined ? value : value.slice(0, Number(maxLength));
}

/** The text with all commands replaced. `missing` stands for values that are not known. */
export function renderFormat(format: Format, values: FormatValues, missing = "-"): string {
  return render(format, values, missing, commandText);
}

/** The same for a header: one character for each byte. The text of the format is of that kind already. */
export function renderHeader(format: Format, values: FormatValues, missing = "-"): string {
  return render(format, values, missing, commandBytes);
}

/** @param missing ASCII, so that it is the same as a text and for a header. */
function render(format: Format, values: FormatValues, missing: string, written: typeof commandText): string {
  if (format.constant !== undefined) return format.constant;
  let text = "";
  for (const segment of format.segments)
    text += typeof segment === "string" ? segment : (written(segment, values) ?? missing);
  return text;
}

function commandBytes(command: FormatCommand, values: FormatValues): string | undefined {
  const value = cutValue(command, values);
  return value === undefined || command.bytes ? value : bytesOfText(value);
}

/** The value of one command as a text; undefined where there is none. */
export function commandText(command: FormatCommand, values: FormatValues): string | undefined {
  const value = cutValue(command, values);
  return value !== undefined && command.bytes ? textOfBytes(value) : value;
}

/** The value with the characters that are kept of it. */
export function cutValue(command: FormatCommand, values: FormatValues): string | undefined {
  const value = values.command(command);
  return command.maxLength === undefined ? value : value?.slice(0, command.maxLength);
}
