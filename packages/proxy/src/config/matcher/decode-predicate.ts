import type { Cidr } from "@heddle/std";
import { IpSchema } from "@heddle/xds-api/envoy/extensions/matching/input_matchers/ip/v3/ip";
import {
  type Matcher_MatcherList_Predicate,
  type Matcher_MatcherList_Predicate_PredicateList,
  type Matcher_MatcherList_Predicate_SinglePredicate,
  Matcher_MatcherList_Predicate_SinglePredicateSchema,
  Matcher_MatcherList_PredicateSchema,
} from "@heddle/xds-api/xds/type/matcher/v3/matcher";
import { type AnyTable, decodeAny, messageEntry } from "../any-field.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeCidr } from "../socket-address.ts";
import { decodeStringMatch } from "../string-match.ts";
import type { MatchInput, MatchPredicate } from "./match-tree.ts";

export const PREDICATE_SHAPE = shape(Matcher_MatcherList_PredicateSchema, [
  "single_predicate",
  "or_matcher",
  "and_matcher",
  "not_matcher",
]);
export const SINGLE_PREDICATE_SHAPE = shape(Matcher_MatcherList_Predicate_SinglePredicateSchema, [
  "input",
  "value_match",
  "custom_match",
]);
export const IP_INPUT_MATCHER_SHAPE = shape(IpSchema, ["cidr_ranges"], {
  stat_prefix: "addresses that can't be read are not counted: there are none",
});

/** Errors as those of matchers. */
const MAX_DEPTH = 32;

const CUSTOM: AnyTable<readonly Cidr[]> = {
  [IpSchema.typeName]: messageEntry(IpSchema, (message, scope) => {
    checkShape(IP_INPUT_MATCHER_SHAPE, message, scope);
    const at = scope.field("cidr_ranges");
    if (message.cidrRanges.length === 0) at.problem("at least one range is needed");
    return message.cidrRanges.flatMap((range, i) => decodeCidr(range, at.item(i)) ?? []);
  }),
};

/** For the reference. */
export const CUSTOM_CONDITION_TYPES: readonly string[] = Object.keys(CUSTOM);

/** Errors: what a predicate lacks, inputs that its place does not have. */
export function decodePredicate(
  message: Matcher_MatcherList_Predicate | undefined,
  inputs: AnyTable<MatchInput>,
  scope: DecodeScope,
  depth: number,
): MatchPredicate | undefined {
  if (message !== undefined) checkShape(PREDICATE_SHAPE, message, scope);
  if (depth > MAX_DEPTH) {
    scope.problem(`predicates are nested more than ${MAX_DEPTH} deep`);
    return undefined;
  }
  const several = (list: Matcher_MatcherList_Predicate_PredicateList, at: DecodeScope): readonly MatchPredicate[] => {
    if (list.predicate.length < 2) at.problem("at least two predicates are needed");
    return list.predicate.flatMap((one, i) => decodePredicate(one, inputs, at.item(i), depth + 1) ?? []);
  };
  const type = message?.matchType;
  switch (type?.case) {
    case "singlePredicate":
      return decodeSingle(type.value, inputs, scope.field("single_predicate"));
    case "orMatcher":
      return { kind: "or", predicates: several(type.value, scope.field("or_matcher.predicate")) };
    case "andMatcher":
      return { kind: "and", predicates: several(type.value, scope.field("and_matcher.predicate")) };
    case "notMatcher": {
      const predicate = decodePredicate(type.value, inputs, scope.field("not_matcher"), depth + 1);
      return predicate && { kind: "not", predicate };
    }
    case undefined:
      scope.problem("a predicate needs one of single_predicate, or_matcher, and_matcher, not_matcher");
      return undefined;
  }
}

function decodeSingle(
  message: Matcher_MatcherList_Predicate_SinglePredicate,
  inputs: AnyTable<MatchInput>,
  scope: DecodeScope,
): MatchPredicate | undefined {
  checkShape(SINGLE_PREDICATE_SHAPE, message, scope);
  const input = decodeAny(message.input?.typedConfig, inputs, scope.field("input.typed_config"));
  const { matcher } = message;
  switch (matcher.case) {
    case "valueMatch": {
      const of = input?.kind === "header" ? "bytes" : "text";
      const match = decodeStringMatch(matcher.value, scope.field("value_match"), of);
      return input && match && { kind: "text", input, match };
    }
    case "customMatch": {
      const ranges = decodeAny(matcher.value.typedConfig, CUSTOM, scope.field("custom_match.typed_config"));
      return input && ranges && { kind: "ranges", input, ranges };
    }
    case undefined:
      scope.problem("a predicate needs value_match or custom_match");
      return undefined;
  }
}
