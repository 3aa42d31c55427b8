import { at, type JsonRecord, numberOf, textOf } from "@heddle/std";
import { recordsOf } from "./json.ts";

/** The clusters of a TCP proxy or of a route's action, with their shares. */
export function targetsOf(action: JsonRecord): readonly { readonly name: string; readonly share: number }[] {
  const weighted = recordsOf(at(action, "weighted_clusters", "clusters"));
  if (weighted.length === 0) return [{ name: textOf(action["cluster"]), share: 1 }];
  const total = weighted.reduce((sum, one) => sum + numberOf(one["weight"]), 0);
  return weighted
    .map((one) => ({ name: textOf(one["name"]), share: total === 0 ? 0 : numberOf(one["weight"]) / total }))
    .filter(({ share }) => share > 0);
}
