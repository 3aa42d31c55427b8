import { type Dict, type Draft, dict, isDict, list, sameJson, text } from "../json/json-value.ts";
import { type FieldNode, itemField } from "../schema/type-node.ts";

/**
 * A set of field paths in the form of `fieldsV1`: `f:name` fields, `k:{…}` items of associative lists, `v:…` items of sets. A path is in the set
 * when its node is empty or has the member ".".
 */
export type FieldSet = Draft;

export function isSetNode(value: unknown): value is FieldSet {
  return isDict(value);
}

export function sub(set: FieldSet, key: string): FieldSet | undefined {
  const found = set[key];
  return isSetNode(found) ? found : undefined;
}

/** Key of an item of an associative list; undefined when the item lacks its keys. */
export function itemKey(item: unknown, field: FieldNode): string | undefined {
  if (field.keys === "set") return `v:${JSON.stringify(item)}`;
  if (field.keys === undefined || !isDict(item)) return undefined;
  const values: Draft = {};
  for (const key of [...field.keys].sort()) {
    const value = item[key] ?? (key === "protocol" ? "TCP" : undefined);
    if (value !== undefined) values[key] = value;
  }
  return Object.keys(values).length === 0 ? undefined : `k:${JSON.stringify(values)}`;
}

/** Whether the field is looked into: a map that is not atomic, or an associative list. */
export function isGranular(value: unknown, field: FieldNode): boolean {
  if (field.atomic) return false;
  if (isDict(value)) return true;
  return Array.isArray(value) && field.keys !== undefined;
}

/** All paths of a value. */
export function fieldsOf(value: unknown, field: FieldNode): FieldSet {
  if (!isGranular(value, field)) return {};
  const set: FieldSet = {};
  if (isDict(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue;
      set[`f:${key}`] = fieldsOf(item, fieldOf(field, key));
    }
    return set;
  }
  for (const item of list(value)) {
    const key = itemKey(item, field);
    if (key === undefined) continue;
    const inside = field.keys === "set" ? {} : fieldsOf(item, itemField(field.type));
    set[key] = Object.keys(inside).length === 0 ? inside : { ".": {}, ...inside };
  }
  return set;
}

export function fieldOf(field: FieldNode, key: string): FieldNode {
  return field.type.field(key) ?? itemField(field.type);
}

function contains(node: FieldSet): boolean {
  return Object.keys(node).length === 0 || node["."] !== undefined;
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (Object.keys(left).length === 0 && Object.keys(right).length > 0) return { ".": {}, ...right };
  if (Object.keys(right).length === 0 && Object.keys(left).length > 0) return { ".": {}, ...left };
  const both: FieldSet = { ...left };
  for (const key of Object.keys(right)) {
    const mine = sub(left, key);
    const other = sub(right, key) ?? {};
    both[key] = mine && key !== "." ? union(mine, other) : other;
  }
  return both;
}

/** Union of two whole sets, where an empty root means no path at all. */
export function unionRoots(left: FieldSet, right: FieldSet): FieldSet {
  if (Object.keys(left).length === 0) return right;
  return Object.keys(right).length === 0 ? left : union(left, right);
}

/** `left` without the paths of `right`; undefined when nothing remains. With `deep`, what lies under a removed path goes too. */
export function difference(left: FieldSet, right: FieldSet, deep = false): FieldSet | undefined {
  const removeSelf = contains(right);
  if (deep && removeSelf && right["."] === undefined) return undefined;
  const rest: FieldSet = {};
  for (const key of Object.keys(left)) {
    if (key === ".") continue;
    const mine = sub(left, key) ?? {};
    const other = sub(right, key);
    const kept = other ? difference(mine, other, deep) : mine;
    if (kept) rest[key] = kept;
  }
  const keepSelf = contains(left) && !removeSelf;
  if (Object.keys(rest).length === 0) return keepSelf ? {} : undefined;
  return keepSelf ? { ".": {}, ...rest } : rest;
}

/** `difference` of whole sets. */
export function differenceRoots(left: FieldSet, right: FieldSet, deep = false): FieldSet {
  if (Object.keys(right).length === 0 || Object.keys(left).length === 0) return left;
  const rest: FieldSet = {};
  for (const key of Object.keys(left)) {
    const other = sub(right, key);
    const mine = sub(left, key) ?? {};
    const kept = other ? difference(mine, other, deep) : mine;
    if (kept) rest[key] = kept;
  }
  return rest;
}

/** Paths that are in both, as lists of path elements. */
export function sharedPaths(
  left: FieldSet,
  right: FieldSet,
  prefix: readonly string[] = [],
): readonly (readonly string[])[] {
  const found: (readonly string[])[] = [];
  for (const key of Object.keys(left)) {
    const mine = sub(left, key);
    const other = sub(right, key);
    if (key === "." || !mine || !other) continue;
    const path = [...prefix, key];
    if (contains(mine) && contains(other)) found.push(path);
    found.push(...sharedPaths(mine, other, path));
  }
  return found;
}

/** `.spec.containers[name="a"].image`, as conflicts name fields. */
export function showPath(path: readonly string[]): string {
  return path
    .map((element) => {
      if (element.startsWith("f:")) return `.${element.slice(2)}`;
      if (element.startsWith("v:")) return `[=${element.slice(2)}]`;
      const keys = dict(JSON.parse(element.slice(2)));
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(",")}]`;
    })
    .join("");
}

export interface Comparison {
  /** Added or changed paths. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** Which paths differ between two values. Roots that are empty hold no path. */
export function compare(before: unknown, after: unknown, field: FieldNode): Comparison {
  const changed: FieldSet = {};
  const removed: FieldSet = {};
  compareInto(dictOrList(before), dictOrList(after), field, changed, removed);
  return { changed, removed };
}

function dictOrList(value: unknown): ReadonlyMap<string, unknown> | Dict | readonly unknown[] {
  return Array.isArray(value) ? value : dict(value);
}

function partsOf(value: unknown, field: FieldNode): Map<string, { value: unknown; field: FieldNode; item: boolean }> {
  const parts = new Map<string, { value: unknown; field: FieldNode; item: boolean }>();
  if (isDict(value)) {
    for (const [key, part] of Object.entries(value)) {
      if (part !== undefined) parts.set(`f:${key}`, { value: part, field: fieldOf(field, key), item: false });
    }
    return parts;
  }
  for (const item of list(value)) {
    const key = itemKey(item, field);
    const leaf = { ...itemField(field.type), atomic: field.keys === "set" };
    if (key !== undefined) parts.set(key, { value: item, field: leaf, item: true });
  }
  return parts;
}

function compareInto(before: unknown, after: unknown, field: FieldNode, changed: FieldSet, removed: FieldSet): void {
  if (before === after) return;
  const old = partsOf(before, field);
  const now = partsOf(after, field);
  for (const [key, part] of now) {
    const previous = old.get(key);
    if (!previous) {
      const inside = fieldsOf(part.value, part.field);
      changed[key] = part.item && Object.keys(inside).length > 0 ? { ".": {}, ...inside } : inside;
      continue;
    }
    if (isGranular(part.value, part.field) && isGranular(previous.value, part.field)) {
      const innerChanged: FieldSet = {};
      const innerRemoved: FieldSet = {};
      compareInto(previous.value, part.value, part.field, innerChanged, innerRemoved);
      if (Object.keys(innerChanged).length > 0) changed[key] = innerChanged;
      if (Object.keys(innerRemoved).length > 0) removed[key] = innerRemoved;
    } else if (!sameJson(previous.value, part.value)) changed[key] = {};
  }
  for (const [key, part] of old) {
    if (now.has(key)) continue;
    const inside = fieldsOf(part.value, part.field);
    removed[key] = Object.keys(inside).length > 0 ? { ".": {}, ...inside } : inside;
  }
}

export function textOf(value: unknown): string {
  return text(value);
}
