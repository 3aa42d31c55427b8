import { badRequest } from "../errors/api-errors.ts";

export interface Requirement {
  readonly key: string;
  readonly operator: "in" | "notin" | "exists" | "absent" | "gt" | "lt";
  readonly values: readonly string[];
}

interface Token {
  readonly kind: "word" | "end" | "symbol";
  readonly text: string;
}

const END: Token = { kind: "end", text: "" };
const OPERATORS: ReadonlyMap<string, Requirement["operator"]> = new Map([
  ["=", "in"],
  ["==", "in"],
  ["!=", "notin"],
  [">", "gt"],
  ["<", "lt"],
  ["in", "in"],
  ["notin", "notin"],
]);

function tokensOf(source: string): readonly Token[] {
  return [...source.matchAll(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g)].map(([text]) => ({
    kind: /^[=!(),<>]/.test(text) ? "symbol" : "word",
    text,
  }));
}

/** Reads kubectl's `-l` syntax. Errors: 400 in Kubernetes' words. Source: apimachinery labels.Parser. */
export function parseRequirements(source: string): readonly Requirement[] {
  return new Parser(tokensOf(source)).all();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  all(): readonly Requirement[] {
    const found: Requirement[] = [];
    for (;;) {
      const first = this.#next();
      if (first.kind === "end") return found;
      if (first.kind !== "word" && first.text !== "!")
        throw badRequest(`found '${first.text}', expected: !, identifier, or 'end of string'`);
      found.push(this.#requirement());
      const after = this.#take();
      if (after.kind === "end") return found;
      if (after.text !== ",") throw badRequest(`found '${after.text}', expected: ',' or 'end of string'`);
      const then = this.#next();
      if (then.kind !== "word" && then.text !== "!")
        throw badRequest(`found '${then.text}', expected: identifier after ','`);
    }
  }

  #next(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  #take(): Token {
    const token = this.#next();
    this.#at++;
    return token;
  }

  #requirement(): Requirement {
    let key = this.#take();
    const absent = key.text === "!";
    if (absent) key = this.#take();
    if (key.kind !== "word") throw unparsable(key, ", expected: identifier");
    const next = this.#next();
    if (next.kind === "end" || next.text === "," || absent)
      return { key: key.text, operator: absent ? "absent" : "exists", values: [] };
    const symbol = this.#take();
    const operator = OPERATORS.get(symbol.text);
    if (!operator) throw unparsable(symbol, ", expected: in, notin, =, ==, !=, gt, lt");
    const values = symbol.kind === "word" ? this.#list() : [this.#value()];
    if ((operator === "gt" || operator === "lt") && !/^[+-]?\d+$/.test(values[0] ?? ""))
      throw badRequest(
        `unable to parse requirement: values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    return { key: key.text, operator, values };
  }

  #value(): string {
    const token = this.#next();
    if (token.kind === "end" || token.text === ",") return "";
    if (token.kind !== "word") throw unparsable(token, ", expected: identifier");
    return this.#take().text;
  }

  #list(): readonly string[] {
    const open = this.#take();
    if (open.text !== "(") throw unparsable(open, " expected: '('");
    const values: string[] = [];
    for (let expectValue = true; ; ) {
      const token = this.#take();
      if (token.text === ")" && token.kind === "symbol") return expectValue ? [...values, ""] : values;
      if (token.kind === "word" && expectValue) values.push(token.text);
      else if (token.text === ",") {
        if (expectValue) values.push("");
      } else throw unparsable(token, expectValue ? ", expected: ',', or identifier" : ", expected: ',' or ')'");
      expectValue = token.text === ",";
    }
  }
}

function unparsable(token: Token, expected: string): Error {
  return badRequest(`unable to parse requirement: found '${token.text}'${expected}`);
}
