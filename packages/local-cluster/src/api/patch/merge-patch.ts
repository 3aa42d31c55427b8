import { cloneDict, cloneValue, type Dict, type Draft, isDict } from "../json/json-value.ts";

/** RFC 7386. */
export function mergeInto(target: unknown, patch: unknown): unknown {
  if (!isDict(patch)) return cloneValue(patch);
  const merged = isDict(target) ? cloneDict(target) : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete merged[key];
    else if (value !== undefined) merged[key] = mergeInto(merged[key], value);
  }
  return merged;
}

/** A changed copy of an object; the object itself when the patch is not a map. */
export function mergePatched(object: Dict, patch: unknown): Draft {
  const merged = mergeInto(object, patch);
  return isDict(merged) ? { ...merged } : cloneDict(object);
}
