import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isObject } from "@heddle/config";

export function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? (value as JsonObject) : {};
}

export function asObjects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject).map((item) => item as JsonObject) : [];
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/**
 * Merges as protobuf does: messages field by field, lists one after the other (or replaced), anything else replaced.
 * An `Any` of another type is replaced as a whole.
 */
export function mergeJson(base: JsonValue | undefined, over: JsonValue, replaceLists: boolean): JsonValue {
  if (Array.isArray(base) && Array.isArray(over)) return replaceLists ? over : [...base, ...over];
  if (!isObject(base) || !isObject(over)) return over;
  const [left, right] = [base as JsonObject, over as JsonObject];
  if (left["@type"] !== undefined && right["@type"] !== undefined && left["@type"] !== right["@type"]) return over;
  const merged: JsonObject = { ...left };
  for (const [key, value] of Object.entries(right)) merged[key] = mergeJson(left[key], value, replaceLists);
  return merged;
}

export type ListOperation =
  | "MERGE"
  | "MERGE_AND_REPLACE_LIST"
  | "ADD"
  | "REMOVE"
  | "INSERT_BEFORE"
  | "INSERT_AFTER"
  | "INSERT_FIRST"
  | "REPLACE";

/**
 * One operation on a list of named messages.
 * @param matches Which items are meant; undefined: all, and for insertions the ends of the list.
 */
export function patchList(
  list: readonly JsonObject[],
  operation: ListOperation,
  matches: ((item: JsonObject) => boolean) | undefined,
  value: JsonObject,
): JsonObject[] {
  const meant = matches ?? (() => true);
  const at = matches === undefined ? undefined : list.findIndex(matches);
  switch (operation) {
    case "ADD":
      return [...list, value];
    case "INSERT_FIRST":
      return [value, ...list];
    case "INSERT_BEFORE":
      if (at === undefined) return [value, ...list];
      return at < 0 ? [...list] : [...list.slice(0, at), value, ...list.slice(at)];
    case "INSERT_AFTER":
      if (at === undefined) return [...list, value];
      return at < 0 ? [...list] : [...list.slice(0, at + 1), value, ...list.slice(at + 1)];
    case "REMOVE":
      return list.filter((item) => !meant(item));
    case "REPLACE":
      return list.map((item) => (meant(item) ? value : item));
    case "MERGE":
    case "MERGE_AND_REPLACE_LIST":
      return list.map((item) =>
        meant(item) ? asObject(mergeJson(item, value, operation === "MERGE_AND_REPLACE_LIST")) : item,
      );
  }
}
