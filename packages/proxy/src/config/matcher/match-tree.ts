import type { Cidr } from "@heddle/std";
import type { StringMatch } from "../string-match.ts";
import type { IpTable } from "./ip-table.ts";

/** What a matcher looks at. Source: Envoy's data inputs. */
export type MatchInput =
  | {
      readonly kind:
        | "destination-ip"
        | "destination-port"
        | "source-ip"
        | "source-port"
        | "direct-source-ip"
        | "source-type"
        | "server-name"
        | "transport-protocol"
        | "application-protocol"
        | "uri-san"
        | "dns-san"
        | "subject";
    }
  /** `name` is in lower case. */
  | { readonly kind: "header" | "query"; readonly name: string };

/** One condition of a list. */
export type MatchPredicate =
  | { readonly kind: "and" | "or"; readonly predicates: readonly MatchPredicate[] }
  | { readonly kind: "not"; readonly predicate: MatchPredicate }
  | { readonly kind: "text"; readonly input: MatchInput; readonly match: StringMatch }
  | { readonly kind: "ranges"; readonly input: MatchInput; readonly ranges: readonly Cidr[] };

/** What a match leads to. */
export type MatchOutcome<A> =
  | { readonly kind: "action"; readonly action: A }
  | { readonly kind: "tree"; readonly tree: MatchTree<A> };

/** A compiled `xds.type.matcher.v3.Matcher`; `otherwise` is its `on_no_match`. */
export type MatchTree<A> = { readonly otherwise: MatchOutcome<A> | undefined } & (
  | { readonly kind: "none" }
  | {
      readonly kind: "list";
      readonly entries: readonly { readonly predicate: MatchPredicate; readonly outcome: MatchOutcome<A> }[];
    }
  | { readonly kind: "exact"; readonly input: MatchInput; readonly outcomes: ReadonlyMap<string, MatchOutcome<A>> }
  | {
      readonly kind: "prefix";
      readonly input: MatchInput;
      readonly outcomes: ReadonlyMap<string, MatchOutcome<A>>;
      /** Lengths of the prefixes, longest first, each once. */
      readonly lengths: readonly number[];
    }
  | { readonly kind: "ip"; readonly input: MatchInput; readonly table: IpTable<MatchOutcome<A>> }
  | {
      readonly kind: "name";
      readonly input: MatchInput;
      readonly exact: ReadonlyMap<string, MatchOutcome<A>>;
      /** `*.a.b` by `a.b`. */
      readonly wildcards: ReadonlyMap<string, MatchOutcome<A>>;
      /** `*` */
      readonly any: MatchOutcome<A> | undefined;
    }
);

/** All actions of a tree, each as often as it stands there. */
export function* actionsOf<A>(tree: MatchTree<A>): Iterable<A> {
  for (const outcome of outcomesOf(tree)) {
    if (outcome.kind === "action") yield outcome.action;
    else yield* actionsOf(outcome.tree);
  }
}

function* outcomesOf<A>(tree: MatchTree<A>): Iterable<MatchOutcome<A>> {
  switch (tree.kind) {
    case "none":
      break;
    case "list":
      for (const { outcome } of tree.entries) yield outcome;
      break;
    case "exact":
    case "prefix":
      yield* tree.outcomes.values();
      break;
    case "ip":
      yield* tree.table.values();
      break;
    case "name":
      yield* tree.exact.values();
      yield* tree.wildcards.values();
      if (tree.any !== undefined) yield tree.any;
  }
  if (tree.otherwise !== undefined) yield tree.otherwise;
}

/** Everything that a tree looks at. */
export function* inputsOf<A>(tree: MatchTree<A>): Iterable<MatchInput> {
  if (tree.kind === "list") for (const { predicate } of tree.entries) yield* predicateInputs(predicate);
  else if (tree.kind !== "none") yield tree.input;
  for (const outcome of outcomesOf(tree)) if (outcome.kind === "tree") yield* inputsOf(outcome.tree);
}

function* predicateInputs(predicate: MatchPredicate): Iterable<MatchInput> {
  switch (predicate.kind) {
    case "and":
    case "or":
      for (const one of predicate.predicates) yield* predicateInputs(one);
      return;
    case "not":
      yield* predicateInputs(predicate.predicate);
      return;
    default:
      yield predicate.input;
  }
}
