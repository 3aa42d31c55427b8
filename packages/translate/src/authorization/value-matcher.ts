import type { MessageInitShape } from "@bufbuild/protobuf";
import { literalRegex } from "@heddle/std";
import type { StringMatcherSchema } from "@heddle/xds-api/envoy/type/matcher/v3/string";

export type Matcher = MessageInitShape<typeof StringMatcherSchema>;

/** A policy's value: exact, `abc*`, `*abc`, or `*` for anything that is there. @param before What the whole value begins with. */
export function valueMatcher(text: string, before = "", ignoreCase = false): Matcher {
  const flags = ignoreCase ? { ignoreCase: true } : {};
  if (text === "*") return { matchPattern: { case: "safeRegex", value: { regex: ".+" } } };
  if (text.endsWith("*")) return { ...flags, matchPattern: { case: "prefix", value: before + text.slice(0, -1) } };
  // What stands before the value is unknown then, so the end decides.
  if (text.startsWith("*")) return { ...flags, matchPattern: { case: "suffix", value: text.slice(1) } };
  return { ...flags, matchPattern: { case: "exact", value: before + text } };
}

/** Paths may hold `{*}` for one segment and `{**}` for the rest. */
export function pathMatcher(text: string): Matcher {
  if (!text.includes("{*}") && !text.includes("{**}")) return valueMatcher(text);
  const regex = text
    .split(/(\{\*\*?\})/)
    .map((part) => (part === "{*}" ? "[^/]+" : part === "{**}" ? ".*" : literalRegex(part)))
    .join("");
  return { matchPattern: { case: "safeRegex", value: { regex } } };
}
