import type { JsonValue } from "@bufbuild/protobuf";
import type { MetadataMatcher } from "@heddle/xds-api/envoy/type/matcher/v3/metadata";
import type { ValueMatcher } from "@heddle/xds-api/envoy/type/matcher/v3/value";
import type { DecodeScope } from "./scope.ts";
import { decodeStringMatch, matchesString, type StringMatch } from "./string-match.ts";

/** One condition on a value of metadata. */
export type ValueMatch =
  | { readonly kind: "null" }
  | { readonly kind: "present" }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "number"; readonly start: number; readonly end: number }
  | { readonly kind: "string"; readonly match: StringMatch }
  | { readonly kind: "list" | "any"; readonly items: readonly ValueMatch[] };

export interface MetadataMatch {
  readonly filter: string;
  readonly path: readonly string[];
  readonly value: ValueMatch;
  readonly invert: boolean;
}

export function decodeMetadataMatch(message: MetadataMatcher, scope: DecodeScope): MetadataMatch | undefined {
  const value = message.value === undefined ? undefined : decodeValue(message.value, scope.field("value"));
  if (message.value === undefined) scope.problem("a metadata matcher needs a value");
  if (value === undefined) return undefined;
  return {
    filter: message.filter,
    path: message.path.map((p) => (p.segment.case === "key" ? p.segment.value : "")),
    value,
    invert: message.invert,
  };
}

function decodeValue(message: ValueMatcher, scope: DecodeScope): ValueMatch | undefined {
  const pattern = message.matchPattern;
  switch (pattern.case) {
    case "nullMatch":
      return { kind: "null" };
    case "presentMatch":
      return { kind: "present" };
    case "boolMatch":
      return { kind: "bool", value: pattern.value };
    case "doubleMatch": {
      const number = pattern.value.matchPattern;
      if (number.case === "exact") return { kind: "number", start: number.value, end: number.value };
      return { kind: "number", start: number.value?.start ?? 0, end: number.value?.end ?? 0 };
    }
    case "stringMatch": {
      const match = decodeStringMatch(pattern.value, scope.field("string_match"));
      return match === undefined ? undefined : { kind: "string", match };
    }
    case "listMatch": {
      const one = pattern.value.matchPattern.value;
      const item = one === undefined ? undefined : decodeValue(one, scope.field("list_match.one_of"));
      return item === undefined ? undefined : { kind: "list", items: [item] };
    }
    case "orMatch": {
      const items: ValueMatch[] = [];
      pattern.value.valueMatchers.forEach((one, i) => {
        const item = decodeValue(one, scope.field("or_match.value_matchers").item(i));
        if (item !== undefined) items.push(item);
      });
      return { kind: "any", items };
    }
    case undefined:
      scope.problem("a value matcher is empty");
      return undefined;
  }
}

export function matchesValue(match: ValueMatch, value: JsonValue | undefined): boolean {
  switch (match.kind) {
    case "null":
      return value === null;
    case "present":
      return value !== undefined;
    case "bool":
      return value === match.value;
    case "number":
      if (typeof value !== "number") return false;
      return match.start === match.end ? value === match.start : value >= match.start && value < match.end;
    case "string":
      return typeof value === "string" && matchesString(match.match, value);
    case "list":
      return Array.isArray(value) && value.some((item) => match.items.every((m) => matchesValue(m, item)));
    case "any":
      return match.items.some((m) => matchesValue(m, value));
  }
}

/** Metadata by filter name, as JSON. */
export type MetadataMap = ReadonlyMap<string, JsonValue>;

export function matchesMetadata(match: MetadataMatch, metadata: MetadataMap | undefined): boolean {
  return matchesValue(match.value, metadataValue(metadata?.get(match.filter), match.path)) !== match.invert;
}

/** What stands at a path within a value; undefined: nothing. */
export function metadataValue(root: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let value = root;
  for (const key of path) {
    value = typeof value === "object" && value !== null && !Array.isArray(value) ? value[key] : undefined;
  }
  return value;
}
