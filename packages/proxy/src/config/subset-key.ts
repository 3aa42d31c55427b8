import type { JsonObject } from "@bufbuild/protobuf";

/** The labels that a route wants, made ready once. */
export interface SubsetKey {
  /** Names, sorted and joined. */
  readonly keys: string;
  readonly values: string;
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
