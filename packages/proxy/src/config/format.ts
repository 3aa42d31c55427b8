import { hostname } from "node:os";
import type { JsonValue } from "@bufbuild/protobuf";
import { compileExpression, type Expression } from "@heddle/expression";
import { FORMAT_OPERATORS } from "@heddle/std";
import { checkArgument } from "./format-arguments.ts";
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
  /** Of a command whose value is the same for all exchanges, inside `COALESCE(…)`. */
  readonly constant?: string;
  /** Of `COALESCE(…)`: the first that has a value gives it. */
  readonly alternatives?: readonly FormatCommand[];
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
  /** What a command about metadata gives in JSON, where numbers and lists stay what they are. */
  metadata?(command: FormatCommand): JsonValue | undefined;
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
  if (!FORMAT_OPERATORS.has(name) && !OWN_OPERATORS.has(name))
    scope.problem(`%${name}% is not a command operator that this proxy knows`);
  checkArgument(name, argument, scope);
  const constant = constantOf(name, argument, undefined);
  const expression = name === "CEL" || name === "TYPED_CEL" ? compileExpression(argument ?? "") : undefined;
  if (expression?.ok === false) scope.problem(`%${name}(${argument ?? ""})%: ${expression.error}`);
  return {
    ...(constant === undefined ? {} : { constant }),
    ...(expression?.ok === true ? { expression: expression.value } : {}),
    ...(name === "COALESCE" ? { alternatives: decodeAlternatives(argument ?? "", scope) } : {}),
    name,
    argument,
    headers: (argument ?? "").split("?").map((header) => header.trim().toLowerCase()),
    maxLength: maxLength === undefined ? undefined : Number(maxLength),
    bytes: OF_HEADS.has(name),
  };
}

/** `{"operators": [{"command": "REQ", "param": "X-A", "max_length": 9}, "PROTOCOL"]}`. Source: Envoy 1.40 `%COALESCE%`. */
function decodeAlternatives(text: string, scope: DecodeScope): readonly FormatCommand[] {
  const wrong = () => {
    scope.problem(
      `%COALESCE(…)% takes {"operators": [{"command": NAME, "param": TEXT, "max_length": N}, …]}, not ${text}`,
    );
    return [];
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong();
  }
  const operators = isObject(value) ? value["operators"] : undefined;
  if (!Array.isArray(operators) || operators.length === 0) return wrong();
  const commands: FormatCommand[] = [];
  for (const operator of operators) {
    const spelled: Readonly<Record<string, unknown>> = isObject(operator) ? operator : { command: operator };
    const { command, param, max_length: length, ...others } = spelled;
    const known = (param === undefined || typeof param === "string") && (length === undefined || isLength(length));
    if (typeof command !== "string" || !known || Object.keys(others).length > 0) return wrong();
    commands.push(commandOf(command, param, length?.toString(), scope));
  }
  return commands;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isLength(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
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
  const value =
    command.alternatives === undefined
      ? (command.constant ?? values.command(command))
      : firstOf(command.alternatives, values);
  return command.maxLength === undefined ? value : value?.slice(0, command.maxLength);
}

function firstOf(alternatives: readonly FormatCommand[], values: FormatValues): string | undefined {
  for (const alternative of alternatives) {
    const value = commandText(alternative, values);
    if (value !== undefined) return value;
  }
  return undefined;
}
