import { ExpressionProblem } from "./problem.ts";

export interface Token {
  readonly kind: "name" | "string" | "int" | "double" | "mark" | "end";
  /** Of a string its value. */
  readonly text: string;
  /** Offset in the expression. */
  readonly at: number;
}

const PATTERN =
  /\s*(?:([A-Za-z_][A-Za-z0-9_]*)|(\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+|\d+[eE][+-]?\d+)|(0x[0-9a-fA-F]+|\d+)(u?)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()[\]]))/y;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" };

/** Splits an expression. Errors: throws at anything that begins no token. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(PATTERN);
  let at = 0;
  while (text.slice(at).trim() !== "") {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
    if (match === null)
      throw new ExpressionProblem(`${JSON.stringify(text.slice(start, start + 8))} begins nothing known`, start);
    const [, name, double, int, unsigned, quoted, mark] = match;
    at = pattern.lastIndex;
    if (name !== undefined) {
      if (/^[rRbB]+$/.test(name) && /^["']/.test(text.slice(at)))
        throw new ExpressionProblem("raw strings and bytes are not known; write a plain string", start);
      tokens.push({ kind: "name", text: name, at: start });
    } else if (double !== undefined) tokens.push({ kind: "double", text: double, at: start });
    else if (int !== undefined) {
      if (unsigned !== "") throw new ExpressionProblem("unsigned numbers are not known; leave the u out", start);
      tokens.push({ kind: "int", text: int, at: start });
    } else if (quoted !== undefined) tokens.push({ kind: "string", text: unquote(quoted, start), at: start });
    else tokens.push({ kind: "mark", text: mark ?? "", at: start });
  }
  tokens.push({ kind: "end", text: "the end", at: text.length });
  return tokens;
}

function unquote(quoted: string, at: number): string {
  return quoted
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/g, (_, hex?: string, wide?: string, plain?: string) => {
      const code = hex ?? wide;
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      const letter = plain ?? "";
      if (ESCAPES[letter] !== undefined) return ESCAPES[letter];
      if ("\\\"'`?".includes(letter)) return letter;
      throw new ExpressionProblem(`\\${letter} is no escape in a string`, at);
    });
}
