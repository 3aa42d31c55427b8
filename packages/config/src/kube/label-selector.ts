import { list, map, message } from "../schema/compound.ts";
import { oneOf, string } from "../schema/scalar.ts";
import { type Infer, required } from "../schema/schema.ts";

/** Kubernetes' selector by labels; all of its conditions have to hold. */
export const labelSelector = message("LabelSelector", {
  matchLabels: map(string()),
  matchExpressions: list(
    message("LabelSelectorRequirement", {
      key: required(string()),
      operator: required(oneOf("In", "NotIn", "Exists", "DoesNotExist")),
      values: list(string()),
    }),
  ),
});

export type LabelSelector = Infer<typeof labelSelector>;
