import type { FullMatch } from "./regex.ts";
import { compileFullMatch, overBytes } from "./regex.ts";
import type { DecodeScope } from "./scope.ts";
import { bytesOfText } from "./wire-text.ts";

/** One condition on a text. */
export type StringMatch =
  | { readonly kind: "exact" | "prefix" | "suffix" | "contains"; readonly text: string; readonly ignoreCase: boolean }
  | { readonly kind: "regex"; readonly regex: FullMatch };

/** What Envoy's `StringMatcher` and that of the xDS matchers have in common. */
interface StringPattern {
  readonly matchPattern:
    | { readonly case: "exact" | "prefix" | "suffix" | "contains"; readonly value: string }
    | { readonly case: "safeRegex"; readonly value: { readonly regex: string } }
    | { readonly case: "custom"; readonly value: unknown }
    | { readonly case: undefined };
  readonly ignoreCase: boolean;
}

export function matchesString(match: StringMatch, text: string): boolean {
  if (match.kind === "regex") return match.regex.test(text);
  const value = match.ignoreCase ? text.toLowerCase() : text;
  switch (match.kind) {
    case "exact":
      return value === match.text;
    case "prefix":
      return value.startsWith(match.text);
    case "suffix":
      return value.endsWith(match.text);
    case "contains":
      return value.includes(match.text);
  }
}

/** @param of Headers and paths have one character for each byte. */
export function decodeStringMatch(
  message: StringPattern,
  scope: DecodeScope,
  of: "text" | "bytes" = "text",
): StringMatch | undefined {
  const pattern = message.matchPattern;
  switch (pattern.case) {
    case "exact":
    case "prefix":
    case "suffix":
    case "contains": {
      const text = of === "bytes" ? bytesOfText(pattern.value) : pattern.value;
      return {
        kind: pattern.case,
        text: message.ignoreCase ? text.toLowerCase() : text,
        ignoreCase: message.ignoreCase,
      };
    }
    case "safeRegex": {
      const regex = compileFullMatch(pattern.value.regex, scope.field("safe_regex.regex"));
      return regex && { kind: "regex", regex: of === "bytes" ? overBytes(regex) : regex };
    }
    case "custom":
      scope
        .field("custom")
        .problem("custom string matchers are not implemented; use exact, prefix, suffix, contains or safe_regex");
      return undefined;
    case undefined:
      scope.problem("a string matcher needs one of exact, prefix, suffix, contains, safe_regex");
      return undefined;
  }
}
