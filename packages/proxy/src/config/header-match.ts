import { headerId } from "@heddle/wire";
import type { HeaderMatcher } from "./proto.ts";
import { compileFullMatch, overBytes } from "./regex.ts";
import type { DecodeScope } from "./scope.ts";
import { decodeStringMatch, type StringMatch } from "./string-match.ts";
import { bytesOfText } from "./wire-text.ts";

/** One condition on a request header; pseudo-headers (`:method`, `:authority`, `:path`, `:scheme`) too. */
export interface HeaderMatch {
  readonly name: string;
  /** Wire id of the name, 0 when it has none. */
  readonly id: number;
  readonly test:
    | { readonly kind: "present"; readonly present: boolean }
    | { readonly kind: "string"; readonly match: StringMatch }
    | { readonly kind: "range"; readonly start: bigint; readonly end: bigint };
  readonly invert: boolean;
  readonly missingIsEmpty: boolean;
}

export function decodeHeaderMatch(message: HeaderMatcher, scope: DecodeScope): HeaderMatch | undefined {
  const test = decodeTest(message, scope);
  if (message.name === "") scope.field("name").problem("a header matcher needs the header's name");
  if (test === undefined) return undefined;
  const name = message.name.toLowerCase();
  return {
    name,
    id: headerId(name),
    test,
    invert: message.invertMatch,
    missingIsEmpty: message.treatMissingHeaderAsEmpty,
  };
}

function decodeTest(message: HeaderMatcher, scope: DecodeScope): HeaderMatch["test"] | undefined {
  const specifier = message.headerMatchSpecifier;
  const text = (kind: "exact" | "prefix" | "suffix" | "contains", value: string): HeaderMatch["test"] => ({
    kind: "string",
    match: { kind, text: bytesOfText(value), ignoreCase: false },
  });
  switch (specifier.case) {
    case "exactMatch":
      return text("exact", specifier.value);
    case "prefixMatch":
      return text("prefix", specifier.value);
    case "suffixMatch":
      return text("suffix", specifier.value);
    case "containsMatch":
      return text("contains", specifier.value);
    case "safeRegexMatch": {
      const regex = compileFullMatch(specifier.value.regex, scope.field("safe_regex_match.regex"));
      return regex && { kind: "string", match: { kind: "regex", regex: overBytes(regex) } };
    }
    case "stringMatch": {
      const match = decodeStringMatch(specifier.value, scope.field("string_match"), "bytes");
      return match === undefined ? undefined : { kind: "string", match };
    }
    case "rangeMatch":
      return { kind: "range", start: specifier.value.start, end: specifier.value.end };
    case "presentMatch":
      return { kind: "present", present: specifier.value };
    case undefined:
      return { kind: "present", present: true };
  }
}
