import {
  type ServerNameMatcher,
  ServerNameMatcher_DomainMatcherSchema,
  ServerNameMatcherSchema,
} from "@heddle/xds-api/xds/type/matcher/v3/domain";
import {
  type IPMatcher,
  IPMatcher_IPRangeMatcherSchema,
  IPMatcherSchema,
} from "@heddle/xds-api/xds/type/matcher/v3/ip";
import {
  type Matcher,
  Matcher_MatcherList_FieldMatcherSchema,
  type Matcher_MatcherTree,
  type Matcher_MatcherTree_MatchMap,
  Matcher_MatcherTreeSchema,
  type Matcher_OnMatch,
  Matcher_OnMatchSchema,
  MatcherSchema,
} from "@heddle/xds-api/xds/type/matcher/v3/matcher";
import { type AnyTable, decodeAny, messageEntry } from "../any-field.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeCidr } from "../socket-address.ts";
import { bytesOfText } from "../wire-text.ts";
import { decodePredicate } from "./decode-predicate.ts";
import { createIpTable } from "./ip-table.ts";
import type { MatchInput, MatchOutcome, MatchTree } from "./match-tree.ts";

/** What a tree may ask for and lead to where it stands. */
export interface MatcherPlace<A> {
  readonly inputs: AnyTable<MatchInput>;
  readonly actions: AnyTable<A>;
}

export const MATCHER_SHAPE = shape(MatcherSchema, ["matcher_list", "matcher_tree", "on_no_match"]);
export const ON_MATCH_SHAPE = shape(Matcher_OnMatchSchema, ["matcher", "action"]);
export const FIELD_MATCHER_SHAPE = shape(Matcher_MatcherList_FieldMatcherSchema, ["predicate", "on_match"]);
export const MATCHER_TREE_SHAPE = shape(Matcher_MatcherTreeSchema, [
  "input",
  "exact_match_map",
  "prefix_match_map",
  "custom_match",
]);
export const IP_RANGES_SHAPE = shape(IPMatcher_IPRangeMatcherSchema, ["ranges", "on_match", "exclusive"]);
export const DOMAINS_SHAPE = shape(ServerNameMatcher_DomainMatcherSchema, ["domains", "on_match"]);

/** For the reference. */
export const CUSTOM_TREE_TYPES: readonly string[] = [IPMatcherSchema.typeName, ServerNameMatcherSchema.typeName];

/** Trees within trees; deeper ones are a mistake, and each level costs stack. */
const MAX_DEPTH = 32;

/** Errors: what a tree lacks, inputs and actions that are not those of its place, trees too deep. */
export function decodeMatcher<A>(
  message: Matcher,
  place: MatcherPlace<A>,
  scope: DecodeScope,
): MatchTree<A> | undefined {
  return new MatcherDecoder(place).tree(message, scope, 1);
}

class MatcherDecoder<A> {
  readonly #place: MatcherPlace<A>;

  constructor(place: MatcherPlace<A>) {
    this.#place = place;
  }

  tree(message: Matcher, scope: DecodeScope, depth: number): MatchTree<A> | undefined {
    checkShape(MATCHER_SHAPE, message, scope);
    if (depth > MAX_DEPTH) {
      scope.problem(`matchers are nested more than ${MAX_DEPTH} deep`);
      return undefined;
    }
    const otherwise = message.onNoMatch && this.#outcome(message.onNoMatch, scope.field("on_no_match"), depth);
    const type = message.matcherType;
    switch (type.case) {
      case undefined:
        return { kind: "none", otherwise };
      case "matcherList": {
        const at = scope.field("matcher_list").field("matchers");
        if (type.value.matchers.length === 0) at.problem("a matcher list needs at least one matcher");
        const entries = type.value.matchers.flatMap((entry, i) => {
          checkShape(FIELD_MATCHER_SHAPE, entry, at.item(i));
          const predicate = decodePredicate(entry.predicate, this.#place.inputs, at.item(i).field("predicate"), 1);
          const outcome = this.#outcome(entry.onMatch, at.item(i).field("on_match"), depth);
          return predicate === undefined || outcome === undefined ? [] : [{ predicate, outcome }];
        });
        return { kind: "list", entries, otherwise };
      }
      case "matcherTree":
        return this.#sublinear(type.value, otherwise, scope.field("matcher_tree"), depth);
    }
  }

  #outcome(message: Matcher_OnMatch | undefined, scope: DecodeScope, depth: number): MatchOutcome<A> | undefined {
    if (message !== undefined) checkShape(ON_MATCH_SHAPE, message, scope);
    const what = message?.onMatch;
    if (what?.case === "matcher") {
      const tree = this.tree(what.value, scope.field("matcher"), depth + 1);
      return tree && { kind: "tree", tree };
    }
    if (what?.case === "action") {
      const action = decodeAny(what.value.typedConfig, this.#place.actions, scope.field("action.typed_config"));
      return action === undefined ? undefined : { kind: "action", action };
    }
    scope.problem("a match must lead to a matcher or an action");
    return undefined;
  }

  #sublinear(
    message: Matcher_MatcherTree,
    otherwise: MatchOutcome<A> | undefined,
    scope: DecodeScope,
    depth: number,
  ): MatchTree<A> | undefined {
    checkShape(MATCHER_TREE_SHAPE, message, scope);
    const input = decodeAny(message.input?.typedConfig, this.#place.inputs, scope.field("input.typed_config"));
    const type = message.treeType;
    switch (type.case) {
      case "exactMatchMap": {
        const outcomes = this.#map(type.value, input, scope.field("exact_match_map"), depth);
        return input && { kind: "exact", input, outcomes, otherwise };
      }
      case "prefixMatchMap": {
        const outcomes = this.#map(type.value, input, scope.field("prefix_match_map"), depth);
        const lengths = [...new Set([...outcomes.keys()].map((prefix) => prefix.length))].sort((a, b) => b - a);
        return input && { kind: "prefix", input, outcomes, lengths, otherwise };
      }
      case "customMatch": {
        const at = scope.field("custom_match.typed_config");
        return decodeAny(type.value.typedConfig, this.#custom(input, otherwise, depth), at);
      }
      case undefined:
        scope.problem("a matcher tree needs one of exact_match_map, prefix_match_map, custom_match");
        return undefined;
    }
  }

  #map(
    message: Matcher_MatcherTree_MatchMap,
    input: MatchInput | undefined,
    scope: DecodeScope,
    depth: number,
  ): Map<string, MatchOutcome<A>> {
    const at = scope.field("map");
    const outcomes = new Map<string, MatchOutcome<A>>();
    for (const [key, value] of Object.entries(message.map)) {
      const outcome = this.#outcome(value, at.item(key), depth);
      if (outcome !== undefined) outcomes.set(input?.kind === "header" ? bytesOfText(key) : key, outcome);
    }
    if (Object.keys(message.map).length === 0) at.problem("a match map needs at least one entry");
    return outcomes;
  }

  #custom(
    input: MatchInput | undefined,
    otherwise: MatchOutcome<A> | undefined,
    depth: number,
  ): AnyTable<MatchTree<A>> {
    return {
      [IPMatcherSchema.typeName]: messageEntry(IPMatcherSchema, (message, scope) => {
        const table = this.#ranges(message, scope, depth);
        return input && { kind: "ip", input, table, otherwise };
      }),
      [ServerNameMatcherSchema.typeName]: messageEntry(ServerNameMatcherSchema, (message, scope) => {
        const names = this.#names(message, scope, depth);
        return input && { kind: "name", input, ...names, otherwise };
      }),
    };
  }

  #ranges(message: IPMatcher, scope: DecodeScope, depth: number) {
    const matchers = scope.field("range_matchers");
    const blocks = message.rangeMatchers.flatMap((entry, i) => {
      const at = matchers.item(i);
      checkShape(IP_RANGES_SHAPE, entry, at);
      const outcome = this.#outcome(entry.onMatch, at.field("on_match"), depth);
      if (entry.ranges.length === 0) at.field("ranges").problem("at least one range is needed");
      return entry.ranges.flatMap((range, j) => {
        const cidr = decodeCidr(range, at.field("ranges").item(j));
        if (cidr === undefined || outcome === undefined) return [];
        return [[cidr, { value: outcome, exclusive: entry.exclusive }] as const];
      });
    });
    return createIpTable(blocks);
  }

  #names(message: ServerNameMatcher, scope: DecodeScope, depth: number) {
    const exact = new Map<string, MatchOutcome<A>>();
    const wildcards = new Map<string, MatchOutcome<A>>();
    let any: MatchOutcome<A> | undefined;
    const seen = new Set<string>();
    message.domainMatchers.forEach((entry, i) => {
      const at = scope.field("domain_matchers").item(i);
      checkShape(DOMAINS_SHAPE, entry, at);
      const outcome = this.#outcome(entry.onMatch, at.field("on_match"), depth);
      if (entry.domains.length === 0) at.field("domains").problem("at least one domain is needed");
      entry.domains.forEach((domain, j) => {
        const here = at.field("domains").item(j);
        if (seen.has(domain)) here.problem(`${domain} stands twice`);
        seen.add(domain);
        if (!/^(\*|(\*\.)?[^*]+)$/.test(domain)) here.problem(`"${domain}" is neither a name, *.name nor *`);
        if (outcome === undefined) return;
        if (domain === "*") any = outcome;
        else if (domain.startsWith("*.")) wildcards.set(domain.slice(2), outcome);
        else exact.set(domain, outcome);
      });
    });
    return { exact, wildcards, any };
  }
}
