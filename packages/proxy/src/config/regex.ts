import { fromRe2Substitution } from "@heddle/std";
import { RE2JS } from "re2js";
import type { DecodeScope } from "./scope.ts";
import { textOfBytes } from "./wire-text.ts";

/** A regular expression that must match the whole text; linear in its length whatever the pattern. */
export interface FullMatch {
  readonly pattern: string;
  test(text: string): boolean;
}

class Re2FullMatch implements FullMatch {
  readonly pattern: string;
  readonly #compiled: RE2JS;

  constructor(pattern: string, compiled: RE2JS) {
    this.pattern = pattern;
    this.#compiled = compiled;
  }

  test(text: string): boolean {
    return this.#compiled.matches(text);
  }
}

/** Errors: a pattern that RE2 refuses (look-around, back-references, …). */
export function compileFullMatch(pattern: string, scope: DecodeScope): FullMatch | undefined {
  try {
    return new Re2FullMatch(pattern, RE2JS.compile(pattern));
  } catch (error) {
    scope.problem(
      `"${pattern}" is not a regular expression that RE2 accepts: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}

/** The same for what came as bytes (`wire-text.ts`): patterns are about characters. */
export function overBytes(regex: FullMatch): FullMatch {
  return { pattern: regex.pattern, test: (bytes) => regex.test(textOfBytes(bytes)) };
}

/** Replaces every match, with `\1` for groups. */
export interface RegexRewrite {
  apply(text: string): string;
}

class Re2Rewrite implements RegexRewrite {
  readonly #compiled: RE2JS;
  readonly #substitution: string;

  constructor(compiled: RE2JS, substitution: string) {
    this.#compiled = compiled;
    this.#substitution = fromRe2Substitution(substitution);
  }

  apply(text: string): string {
    return this.#compiled.matcher(text).replaceAll(this.#substitution);
  }
}

/** Errors: as `compileFullMatch`. */
export function compileRewrite(pattern: string, substitution: string, scope: DecodeScope): RegexRewrite | undefined {
  try {
    return new Re2Rewrite(RE2JS.compile(pattern), substitution);
  } catch (error) {
    scope.problem(
      `"${pattern}" is not a regular expression that RE2 accepts: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}
