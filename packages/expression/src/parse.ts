import { ExpressionProblem } from "./problem.ts";
import { type Token, tokenize } from "./tokens.ts";

/** An expression as it is written. */
export type Node = { readonly at: number } & (
  | {
      readonly kind: "literal";
      readonly value: string | number | boolean;
      readonly type: "string" | "int" | "double" | "bool";
    }
  | { readonly kind: "list"; readonly items: readonly Node[] }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "select"; readonly from: Node; readonly field: string }
  | { readonly kind: "index"; readonly from: Node; readonly key: Node }
  | { readonly kind: "call"; readonly name: string; readonly target: Node | undefined; readonly args: readonly Node[] }
  | { readonly kind: "unary"; readonly op: "!" | "-"; readonly of: Node }
  | { readonly kind: "binary"; readonly op: string; readonly left: Node; readonly right: Node }
  | { readonly kind: "choice"; readonly test: Node; readonly yes: Node; readonly no: Node }
);

/** From weak to strong. Source: CEL's grammar. */
const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["==", "!=", "<", "<=", ">", ">=", "in"],
  ["+", "-"],
  ["*", "/", "%"],
];
/** Deeper than this is no expression that somebody wrote. */
const MAX_DEPTH = 64;

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Node {
    const node = this.#choice();
    const rest = this.#peek();
    if (rest.kind !== "end")
      throw new ExpressionProblem(`nothing may follow here, but ${JSON.stringify(rest.text)} does`, rest.at);
    return node;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "the end", at: 0 };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #skip(mark: string): boolean {
    const token = this.#peek();
    if (token.kind !== "mark" || token.text !== mark) return false;
    this.#next++;
    return true;
  }

  #need(mark: string): void {
    const token = this.#peek();
    if (!this.#skip(mark)) throw new ExpressionProblem(`"${mark}" is expected, not ${describe(token)}`, token.at);
  }

  #choice(): Node {
    if (++this.#depth > MAX_DEPTH) throw new ExpressionProblem("this is nested too deeply", this.#peek().at);
    const test = this.#binary(0);
    if (!this.#skip("?")) {
      this.#depth--;
      return test;
    }
    const yes = this.#binary(0);
    this.#need(":");
    const no = this.#choice();
    this.#depth--;
    return { kind: "choice", test, yes, no, at: test.at };
  }

  #binary(level: number): Node {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#peek();
      const isOperator = token.kind === "mark" || (token.kind === "name" && token.text === "in");
      if (!isOperator || !operators.includes(token.text)) return left;
      this.#next++;
      left = { kind: "binary", op: token.text, left, right: this.#binary(level + 1), at: token.at };
    }
  }

  #unary(): Node {
    const token = this.#peek();
    if (token.kind !== "mark" || (token.text !== "!" && token.text !== "-")) return this.#member();
    if (++this.#depth > MAX_DEPTH) throw new ExpressionProblem("this is nested too deeply", token.at);
    this.#next++;
    const node: Node = { kind: "unary", op: token.text, of: this.#unary(), at: token.at };
    this.#depth--;
    return node;
  }

  #member(): Node {
    let node = this.#primary();
    for (;;) {
      const { at } = this.#peek();
      if (this.#skip(".")) {
        const name = this.#take();
        if (name.kind !== "name")
          throw new ExpressionProblem(`a field's name is expected, not ${describe(name)}`, name.at);
        node = this.#skip("(")
          ? { kind: "call", name: name.text, target: node, args: this.#arguments(")"), at: name.at }
          : { kind: "select", from: node, field: name.text, at };
      } else if (this.#skip("[")) {
        const key = this.#choice();
        this.#need("]");
        node = { kind: "index", from: node, key, at };
      } else return node;
    }
  }

  #primary(): Node {
    const token = this.#take();
    const { at, text } = token;
    switch (token.kind) {
      case "string":
        return { kind: "literal", type: "string", value: text, at };
      case "double":
        return { kind: "literal", type: "double", value: Number(text), at };
      case "int": {
        const value = Number(text);
        if (!Number.isSafeInteger(value)) throw new ExpressionProblem(`${text} is too large`, at);
        return { kind: "literal", type: "int", value, at };
      }
      case "name":
        if (text === "true" || text === "false") return { kind: "literal", type: "bool", value: text === "true", at };
        if (text === "null") throw new ExpressionProblem("null is not known; ask has(…) whether there is a value", at);
        return this.#skip("(")
          ? { kind: "call", name: text, target: undefined, args: this.#arguments(")"), at }
          : { kind: "name", name: text, at };
      case "mark":
        if (text === "(") {
          const inner = this.#choice();
          this.#need(")");
          return inner;
        }
        if (text === "[") return { kind: "list", items: this.#arguments("]"), at };
    }
    throw new ExpressionProblem(`a value is expected, not ${describe(token)}`, at);
  }

  #arguments(end: string): readonly Node[] {
    const args: Node[] = [];
    if (this.#skip(end)) return args;
    do args.push(this.#choice());
    while (this.#skip(","));
    this.#need(end);
    return args;
  }
}

function describe(token: Token): string {
  return token.kind === "end" ? "the end" : JSON.stringify(token.text);
}

/** Reads an expression. Errors: throws `ExpressionProblem`. */
export function parse(text: string): Node {
  return new Parser(tokenize(text)).whole();
}
