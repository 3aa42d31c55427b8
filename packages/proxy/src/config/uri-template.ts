import { RE2JS } from "re2js";
import type { DecodeScope } from "./scope.ts";

/** A path pattern with variables. Source: Envoy `UriTemplateMatchConfig`. */
export interface UriTemplate {
  readonly text: string;
  readonly names: readonly string[];
  test(path: string): boolean;
  /** Values of the variables; undefined when the path does not match. */
  captures(path: string): ReadonlyMap<string, string> | undefined;
}

/** What a path becomes: texts and names of variables. */
export type TemplateRewrite = readonly (
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly name: string }
)[];

const SEGMENT = "[a-zA-Z0-9-._~%!$&'()+,;=:@]+";
const ANY = "[a-zA-Z0-9-._~%!$&'()+,;=:@/]*";

class CompiledTemplate implements UriTemplate {
  readonly text: string;
  readonly names: readonly string[];
  readonly #regex: RE2JS;

  constructor(text: string, names: readonly string[], regex: RE2JS) {
    this.text = text;
    this.names = names;
    this.#regex = regex;
  }

  test(path: string): boolean {
    return this.#regex.matches(path);
  }

  captures(path: string): ReadonlyMap<string, string> | undefined {
    const matcher = this.#regex.matcher(path);
    if (!matcher.matches()) return undefined;
    return new Map(this.names.map((name, i) => [name, matcher.group(i + 1) ?? ""]));
  }
}

/** Errors: what is not a template, a name that stands twice. */
export function compileUriTemplate(text: string, scope: DecodeScope): UriTemplate | undefined {
  const names: string[] = [];
  if (!text.startsWith("/")) {
    scope.problem(`"${text}" is not a path template; it must begin with /`);
    return undefined;
  }
  let pattern = "";
  for (const part of text.slice(1).split(/\/(?![^{]*\})/)) {
    const piece = segmentPattern(part, names);
    if (piece === undefined) {
      scope.problem(`"${part}" in "${text}" is neither a text, *, ** nor {name} or {name=pattern}`);
      return undefined;
    }
    pattern += `/${piece}`;
  }
  if (new Set(names).size !== names.length) {
    scope.problem(`"${text}" has a variable twice`);
    return undefined;
  }
  return new CompiledTemplate(text, names, RE2JS.compile(pattern));
}

function segmentPattern(part: string, names: string[]): string | undefined {
  if (part === "*") return SEGMENT;
  if (part === "**") return ANY;
  const variable = /^\{([a-zA-Z][a-zA-Z0-9_]{0,15})(?:=([^{}]+))?\}(.*)$/.exec(part);
  if (variable !== null) {
    const [, name = "", inner = "*", rest = ""] = variable;
    if (/[{}*]/.test(rest)) return undefined;
    names.push(name);
    const parts = inner.split("/").map((piece) => segmentPattern(piece, []));
    if (parts.some((piece) => piece === undefined)) return undefined;
    return `(${parts.join("/")})${RE2JS.quote(rest)}`;
  }
  return /[{}*]/.test(part) ? undefined : RE2JS.quote(part);
}

/** Errors: names that the match does not have. */
export function compileTemplateRewrite(
  text: string,
  template: UriTemplate | undefined,
  scope: DecodeScope,
): TemplateRewrite | undefined {
  const out: TemplateRewrite[number][] = [];
  for (const part of text.split(/(\{[^{}]*\})/)) {
    if (part === "") continue;
    if (!part.startsWith("{")) {
      out.push({ kind: "text", text: part });
      continue;
    }
    const name = part.slice(1, -1);
    if (template?.names.includes(name) !== true) {
      scope.problem(`{${name}} is not a variable of the route's path template`);
      return undefined;
    }
    out.push({ kind: "variable", name });
  }
  return out;
}

export function renderTemplate(rewrite: TemplateRewrite, values: ReadonlyMap<string, string> | undefined): string {
  return rewrite.map((part) => (part.kind === "text" ? part.text : (values?.get(part.name) ?? ""))).join("");
}
