import type { HeaderMutation as Mutation } from "@heddle/xds-api/envoy/config/common/mutation_rules/v3/mutation_rules";
import {
  type HeaderMutation,
  HeaderMutationSchema,
  type Mutations,
  MutationsSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/header_mutation/v3/header_mutation";
import { decodeAddition, type HeaderAddition, namesClient } from "../header-mutation.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** Removes a header (a name) or adds one; in the order of the list. */
export type HeaderStep = string | HeaderAddition;

export interface HeaderMutationConfig {
  readonly kind: "header-mutation";
  readonly request: readonly HeaderStep[];
  readonly response: readonly HeaderStep[];
  readonly mostSpecificWins: boolean;
  /** They change the header that names the client, who must be read before. */
  readonly namesClient: boolean;
}

export const HEADER_MUTATION_SHAPE = shape(HeaderMutationSchema, ["mutations", "most_specific_header_mutations_wins"]);
export const MUTATIONS_SHAPE = shape(MutationsSchema, ["request_mutations", "response_mutations"]);

export function decodeHeaderMutationFilter(message: HeaderMutation, scope: DecodeScope): HeaderMutationConfig {
  checkShape(HEADER_MUTATION_SHAPE, message, scope);
  return decodeMutations(message.mutations, message.mostSpecificHeaderMutationsWins, scope.field("mutations"));
}

export function decodeMutations(
  message: Mutations | undefined,
  mostSpecificWins: boolean,
  scope: DecodeScope,
): HeaderMutationConfig {
  if (message !== undefined) checkShape(MUTATIONS_SHAPE, message, scope);
  const request = decodeHeaderSteps(message?.requestMutations ?? [], scope.field("request_mutations"));
  return {
    kind: "header-mutation",
    request,
    namesClient: namesClient(request),
    response: decodeHeaderSteps(message?.responseMutations ?? [], scope.field("response_mutations")),
    mostSpecificWins,
  };
}

/** Errors: an entry that neither removes nor adds. */
export function decodeHeaderSteps(list: readonly Mutation[], scope: DecodeScope): readonly HeaderStep[] {
  const out: HeaderStep[] = [];
  list.forEach((item, i) => {
    const at = scope.item(i);
    if (item.action.case === "remove") out.push(item.action.value.toLowerCase());
    else if (item.action.case === "append") out.push(decodeAddition(item.action.value, at.field("append")));
    else at.problem("a header mutation needs remove or append");
  });
  return out;
}
