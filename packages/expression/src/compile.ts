import { RE2JS } from "re2js";
import { attributeNamed, attributeType } from "./attributes.ts";
import type { Operation, Value, ValueType } from "./operation.ts";
import * as op from "./operation.ts";
import type { Node } from "./parse.ts";
import { ExpressionProblem } from "./problem.ts";

/** What an expression asks for; `key` is "" where the attribute is no map. */
export interface ExpressionUse {
  readonly attribute: string;
  readonly key: string;
  /** The path as it stands in the expression. */
  readonly written: string;
}

/** What compiling learns beside the operations. */
export interface Notes {
  readonly uses: ExpressionUse[];
  /** Text is made: `string()`, or `+` of strings. */
  makesText: boolean;
}

/** Checks the types and makes the operations. Errors: throws `ExpressionProblem`. */
export function compile(node: Node, notes: Notes): Operation {
  switch (node.kind) {
    case "literal":
      return op.constant(node.type, node.value);
    case "list": {
      const items = node.items.map((item) => compile(item, notes));
      const mixed = items.findIndex((item) => item.type !== items[0]?.type || item.type === "list");
      if (mixed >= 0) problem(node.items[mixed] ?? node, "a list holds values of one simple type");
      return op.list(items);
    }
    case "name":
    case "select":
    case "index":
      return attributeOf(node, notes);
    case "unary": {
      const of = compile(node.of, notes);
      if (node.op === "!") return op.not(expectType(of, "bool", node));
      if (of.type !== "int" && of.type !== "double") problem(node, `- needs a number, not ${of.type}`);
      return op.minus(of);
    }
    case "choice": {
      const test = expectType(compile(node.test, notes), "bool", node.test);
      const [yes, no] = [compile(node.yes, notes), compile(node.no, notes)];
      if (yes.type !== no.type) problem(node.no, `both results must be of one type, not ${yes.type} and ${no.type}`);
      return op.choice(test, yes, no);
    }
    case "binary":
      return binary(node, notes);
    case "call":
      return call(node, notes);
  }
}

function problem(node: Node, message: string): never {
  throw new ExpressionProblem(message, node.at);
}

function expectType(operation: Operation, type: ValueType, node: Node): Operation {
  if (operation.type !== type) problem(node, `a ${type} is expected, not ${operation.type}`);
  return operation;
}

/** `a.b['c']` as its parts; undefined when it is something else. */
function pathOf(node: Node): readonly string[] | undefined {
  if (node.kind === "name") return [node.name];
  if (node.kind === "select") {
    const from = pathOf(node.from);
    return from && [...from, node.field];
  }
  if (node.kind !== "index" || node.key.kind !== "literal" || typeof node.key.value !== "string") return undefined;
  const from = pathOf(node.from);
  return from && [...from, node.key.value];
}

/** The attribute that a path names, and the entry of it. */
function useOf(node: Node, notes: Notes): ExpressionUse {
  const path = pathOf(node);
  if (path === undefined) problem(node, "keys must be written as text, such as request.headers['x-user']");
  const whole = attributeNamed(path);
  if (whole !== undefined) {
    if (attributeType(whole) === "map")
      problem(node, `${whole} has many values; ask for one, such as ${whole}['name']`);
    return remember({ attribute: whole, key: "", written: path.join(".") }, notes);
  }
  // Istio's older form of a label ends in `.value`.
  const parts = path.at(-1) === "value" && path.at(-3) === "labels" ? path.slice(0, -1) : path;
  const map = attributeNamed(parts.slice(0, -1));
  if (map === undefined || attributeType(map) !== "map") {
    const [root = ""] = path;
    problem(node, `${path.join(".")} is no attribute that can be asked for here${root === "" ? "" : similar(path)}`);
  }
  return remember({ attribute: map, key: parts.at(-1) ?? "", written: path.join(".") }, notes);
}

function similar(path: readonly string[]): string {
  const hints: Readonly<Record<string, string>> = {
    request: "request.host, .method, .path, .url_path, .headers['…']",
    response: "response.code, .code_details, .grpc_status, .headers['…']",
    upstream_peer: "upstream_peer.workload, .namespace, .app, .labels['…']",
    downstream_peer: "downstream_peer.workload, .namespace, .app, .labels['…']",
  };
  const hint = hints[path[0] ?? ""];
  return hint === undefined ? "" : `; there are ${hint} and others`;
}

function remember(use: ExpressionUse, notes: Notes): ExpressionUse {
  if (!notes.uses.some((known) => known.attribute === use.attribute && known.key === use.key)) notes.uses.push(use);
  return use;
}

function attributeOf(node: Node, notes: Notes): Operation {
  const { attribute, key } = useOf(node, notes);
  const type = attributeType(attribute);
  return op.attribute(type === "map" ? "string" : type, attribute, key);
}

function binary(node: Extract<Node, { kind: "binary" }>, notes: Notes): Operation {
  if (node.op === "in") return contained(node, notes);
  const left = compile(node.left, notes);
  const right = compile(node.right, notes);
  if (node.op === "&&" || node.op === "||") {
    expectType(left, "bool", node.left);
    return op.either(left, expectType(right, "bool", node.right), node.op === "||");
  }
  if (left.type !== right.type)
    problem(node, `${node.op} needs two values of one type, not ${left.type} and ${right.type}`);
  if (left.type === "list" || (left.type === "bool" && node.op !== "==" && node.op !== "!="))
    problem(node, `${node.op} cannot be used on ${left.type}`);
  const compare = COMPARISONS[node.op];
  if (compare !== undefined) return op.both("bool", left, right, compare);
  if (left.type === "string") {
    if (node.op !== "+") problem(node, `${node.op} cannot be used on strings`);
    notes.makesText = true;
    return op.both("string", left, right, (a, b) => String(a) + String(b));
  }
  const whole = left.type === "int";
  const arithmetic = ARITHMETIC[node.op];
  if (arithmetic === undefined || (node.op === "%" && !whole))
    problem(node, `${node.op} cannot be used on ${left.type}`);
  return op.both(left.type, left, right, (a, b) => {
    const result = arithmetic(Number(a), Number(b));
    if (!whole) return result;
    return Number.isFinite(result) ? Math.trunc(result) : undefined;
  });
}

const COMPARISONS: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
};

/** `value in [list]`, `'key' in map`. */
function contained(node: Extract<Node, { kind: "binary" }>, notes: Notes): Operation {
  const path = pathOf(node.right);
  const map = path === undefined ? undefined : attributeNamed(path);
  if (map !== undefined && attributeType(map) === "map") {
    const key = node.left.kind === "literal" && typeof node.left.value === "string" ? node.left.value : undefined;
    if (key === undefined) problem(node.left, `the key must be written as text, such as 'x-user' in ${map}`);
    const use = remember({ attribute: map, key, written: path?.join(".") ?? map }, notes);
    return op.present(use.attribute, use.key);
  }
  const left = compile(node.left, notes);
  const right = expectType(compile(node.right, notes), "list", node.right);
  if (left.type === "list" || (right.element !== undefined && right.element !== left.type))
    problem(node, `a list of ${right.element} cannot hold a ${left.type}`);
  return op.both("bool", left, right, (a, b) => typeof b === "object" && typeof a !== "object" && b.includes(a));
}

function call(node: Extract<Node, { kind: "call" }>, notes: Notes): Operation {
  const { name, target, args } = node;
  if (name === "has" && target === undefined) {
    const [asked] = args;
    if (args.length !== 1 || asked?.kind !== "select")
      problem(node, "has() takes one field, such as has(request.headers.cookie); for keys in quotes there is in");
    const use = useOf(asked, notes);
    return op.present(use.attribute, use.key);
  }
  const given = (target === undefined ? args : [target, ...args]).map((arg) => compile(arg, notes));
  const [first, second] = given;
  const form = target === undefined ? `${name}(…)` : `.${name}(…)`;
  if (first === undefined) problem(node, `${form} is no function that is known; there are ${KNOWN}`);
  if (name === "size" && given.length === 1) {
    if (first.type !== "string" && first.type !== "list")
      problem(node, `size() takes a string or a list, not ${first.type}`);
    return op.one("int", first, (value) => (typeof value === "object" ? value.length : [...String(value)].length));
  }
  if (target === undefined) {
    const convert = CONVERSIONS[name];
    if (convert === undefined || given.length !== 1 || first.type === "list")
      problem(node, `${form} is no function that is known; there are ${KNOWN}`);
    if (name === "string") notes.makesText = true;
    return op.one(convert.type, first, convert.of);
  }
  const test = TEXT_TESTS[name];
  if ((test === undefined && name !== "matches") || given.length !== 2 || second === undefined)
    problem(node, `${form} is no function that is known; there are ${KNOWN}`);
  expectType(first, "string", target);
  expectType(second, "string", node);
  if (test !== undefined) return op.both("bool", first, second, (a, b) => test(String(a), String(b)));
  const [pattern] = args;
  if (pattern?.kind !== "literal") problem(node, "the pattern of matches() must be written as text");
  try {
    return op.matches(first, RE2JS.compile(String(pattern.value)));
  } catch (error) {
    problem(pattern, `RE2 refuses the pattern: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const KNOWN = "has, size, string, int, double, startsWith, endsWith, contains, matches";

const CONVERSIONS: Readonly<Record<string, { readonly type: ValueType; of(value: Value): Value | undefined }>> = {
  string: { type: "string", of: String },
  int: {
    type: "int",
    of: (value) => {
      const number = typeof value === "string" && !/^[+-]?\d+$/.test(value) ? Number.NaN : Number(value);
      return Number.isFinite(number) ? Math.trunc(number) : undefined;
    },
  },
  double: {
    type: "double",
    of: (value) => (value === "" || Number.isNaN(Number(value)) ? undefined : Number(value)),
  },
};
const TEXT_TESTS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  startsWith: (a, b) => a.startsWith(b),
  endsWith: (a, b) => a.endsWith(b),
  contains: (a, b) => a.includes(b),
};
