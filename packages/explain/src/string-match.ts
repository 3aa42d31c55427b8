import { at, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import { RE2JS } from "re2js";
import { has } from "./json.ts";

/** True, false, or undefined when it can't be told from configuration alone. */
export type Verdict = boolean | undefined;

/** Envoy's `StringMatcher`. */
export function stringMatches(matcher: unknown, value: string): boolean {
  const m = recordOf(matcher);
  const fold = (text: string): string => (m["ignore_case"] === true ? text.toLowerCase() : text);
  if (has(m, "exact")) return fold(value) === fold(textOf(m["exact"]));
  if (has(m, "prefix")) return fold(value).startsWith(fold(textOf(m["prefix"])));
  if (has(m, "suffix")) return fold(value).endsWith(fold(textOf(m["suffix"])));
  if (has(m, "contains")) return fold(value).includes(fold(textOf(m["contains"])));
  if (has(m, "safe_regex")) return regexMatches(m["safe_regex"], value);
  return value === "";
}

/** The whole text has to match, as in Envoy. A pattern that RE2 can't read matches nothing. */
export function regexMatches(matcher: unknown, value: string): boolean {
  try {
    return RE2JS.compile(textOf(at(matcher, "regex"))).matches(value);
  } catch {
    return false;
  }
}

export function matcherText(matcher: unknown): string {
  const m = recordOf(matcher);
  for (const kind of ["exact", "prefix", "suffix", "contains"]) if (has(m, kind)) return `${kind} "${textOf(m[kind])}"`;
  return has(m, "safe_regex") ? `regex ${textOf(at(m, "safe_regex", "regex"))}` : "empty";
}

/** Envoy's `HeaderMatcher`. Returns why not, or undefined when it matches. */
export function headerMismatch(matcher: JsonRecord, headers: Readonly<Record<string, string>>): string | undefined {
  const name = textOf(matcher["name"]).toLowerCase();
  const invert = matcher["invert_match"] === true;
  const sent = headers[name] ?? (matcher["treat_missing_header_as_empty"] === true ? "" : undefined);
  const shown = headers[name] === undefined ? `header ${name} is absent` : `header ${name} is "${headers[name]}"`;
  if (has(matcher, "present_match")) {
    const wanted = (matcher["present_match"] !== false) !== invert;
    return (headers[name] !== undefined) === wanted ? undefined : shown;
  }
  if (sent === undefined) return shown;
  const found = valueMatches(matcher, sent);
  if (found !== invert) return undefined;
  return `${shown}, ${invert ? "must not be" : "wanted"} ${wantedText(matcher)}`;
}

function valueMatches(matcher: JsonRecord, value: string): boolean {
  if (has(matcher, "string_match")) return stringMatches(matcher["string_match"], value);
  if (has(matcher, "range_match")) {
    const number = Number(value);
    return (
      number >= numberOf(at(matcher, "range_match", "start")) && number < numberOf(at(matcher, "range_match", "end"))
    );
  }
  for (const [field, kind] of [
    ["exact_match", "exact"],
    ["prefix_match", "prefix"],
    ["suffix_match", "suffix"],
    ["contains_match", "contains"],
    ["safe_regex_match", "safe_regex"],
  ] as const)
    if (has(matcher, field)) return stringMatches({ [kind]: matcher[field] }, value);
  return true;
}

function wantedText(matcher: JsonRecord): string {
  if (has(matcher, "string_match")) return matcherText(matcher["string_match"]);
  const field = Object.keys(matcher).find((key) => key.endsWith("_match") && key !== "invert_match");
  return field === undefined ? "present" : `${field.replace("_match", "")} ${JSON.stringify(matcher[field])}`;
}
