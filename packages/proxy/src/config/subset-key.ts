import type { JsonObject } from "@bufbuild/protobuf";

/** The labels that a route wants, made ready once. */
export interface SubsetKey {
  /** Names, sorted and joined. */
  readonly keys: string;
  readonly values: string;
}

/** The same with more labels, which win over those of a route. Source: Envoy `MetadataMatchCriteria::mergeMatchCriteria`. */
export function subsetKeyWith(key: SubsetKey | undefined, labels: JsonObject): SubsetKey | undefined {
  const before: JsonObject = {};
  if (key !== undefined) {
    const values = key.values.split(SUBSET_SEPARATOR);
    key.keys.split(SUBSET_SEPARATOR).forEach((name, i) => {
      before[name] = JSON.parse(values[i] ?? "null");
    });
  }
  return subsetKeyOf({ ...before, ...labels });
}

/** Stands between the parts of a key. */
export const SUBSET_SEPARATOR = "\u0000";

/** Undefined when nothing is asked for. */
export function subsetKeyOf(labels: JsonObject | undefined): SubsetKey | undefined {
  const keys = Object.keys(labels ?? {}).sort();
  if (labels === undefined || keys.length === 0) return undefined;
  return {
    keys: keys.join(SUBSET_SEPARATOR),
    values: keys.map((key) => JSON.stringify(labels[key])).join(SUBSET_SEPARATOR),
  };
}
