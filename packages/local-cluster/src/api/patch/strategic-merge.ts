import { badRequest } from "../errors/api-errors.ts";
import { cloneValue, type Dict, type Draft, isDict, list, sameJson, text } from "../json/json-value.ts";
import { ANY_FIELD, type FieldNode, itemField, type TypeNode } from "../schema/type-node.ts";

const ORDER = "$setElementOrder/";
const DELETE_FROM = "$deleteFromPrimitiveList/";
const RETAIN = "$retainKeys";
const DIRECTIVE = "$patch";

/**
 * Kubernetes' strategic merge patch: lists merge by the schema's merge keys.
 * Errors: 400 for a directive that is not known or an item without its merge key.
 */
export function strategicMerge(original: Dict, patch: Dict, type: TypeNode): Draft {
  const merged = mergeMap(original, patch, { ...ANY_FIELD, type });
  return merged ?? {};
}

function childField(field: FieldNode, key: string): FieldNode {
  return field.type.field(key) ?? itemField(field.type);
}

/** Undefined: the patch deletes the map. */
function mergeMap(original: Dict, patch: Dict, field: FieldNode): Draft | undefined {
  const directive = patch[DIRECTIVE];
  if (directive === "delete") return undefined;
  if (directive !== undefined && directive !== "replace" && directive !== "merge") {
    throw badRequest(`unknown patch type: ${text(directive, JSON.stringify(directive))} in map`);
  }
  const merged: Draft = {};
  const retained = Array.isArray(patch[RETAIN]) ? new Set(patch[RETAIN].map((key) => text(key))) : undefined;
  if (directive !== "replace") {
    for (const key of Object.keys(original)) {
      if (!retained || retained.has(key)) merged[key] = original[key];
    }
  }
  const orders = new Map<string, readonly unknown[]>();
  for (const key of Object.keys(patch)) {
    if (key === DIRECTIVE || key === RETAIN) continue;
    const value = patch[key];
    if (key.startsWith(ORDER)) {
      orders.set(key.slice(ORDER.length), list(value));
      continue;
    }
    if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length);
      const gone = list(value);
      const present = list(merged[name]);
      if (merged[name] !== undefined)
        merged[name] = present.filter((item) => !gone.some((other) => sameJson(item, other)));
      continue;
    }
    if (value === null) delete merged[key];
    else if (value !== undefined) mergeKey(merged, key, value, childField(field, key));
  }
  for (const [key, order] of orders) {
    const present = merged[key];
    if (Array.isArray(present)) merged[key] = inOrder(present, order, list(original[key]), childField(field, key));
  }
  return merged;
}

function mergeKey(merged: Draft, key: string, value: unknown, field: FieldNode): void {
  const present = merged[key];
  if (isDict(value)) {
    const replaced = field.strategy.includes("replace") || !isDict(present);
    const result = mergeMap(replaced ? {} : present, value, field);
    if (result === undefined) delete merged[key];
    else merged[key] = result;
  } else if (Array.isArray(value) && field.strategy.includes("merge")) {
    merged[key] = mergeList(list(present), value, field, key);
  } else merged[key] = cloneValue(value);
}

function mergeList(present: readonly unknown[], patch: readonly unknown[], field: FieldNode, name: string): unknown[] {
  if (field.mergeKey === "") {
    const added = patch.filter((item) => !isDict(item) && !present.some((other) => sameJson(item, other)));
    return patchFirst([...present, ...added], patch, present, field);
  }
  if (patch.some((item) => isDict(item) && item[DIRECTIVE] === "replace")) {
    return patch.filter((item) => !(isDict(item) && item[DIRECTIVE] !== undefined)).map(cloneValue);
  }
  const item = itemField(field.type);
  let merged: unknown[] = [...present];
  for (const wanted of patch) {
    if (!isDict(wanted)) continue;
    const key = wanted[field.mergeKey];
    if (key === undefined) {
      throw badRequest(
        `map: ${JSON.stringify(wanted)} does not contain declared merge key: ${field.mergeKey} (list ${name})`,
      );
    }
    const index = merged.findIndex((other) => isDict(other) && sameJson(other[field.mergeKey], key));
    if (wanted[DIRECTIVE] === "delete") {
      merged = merged.filter((other) => !(isDict(other) && sameJson(other[field.mergeKey], key)));
      continue;
    }
    const base = index < 0 ? {} : merged[index];
    const result = mergeMap(isDict(base) ? base : {}, wanted, item);
    if (result === undefined) continue;
    if (index < 0) merged.push(result);
    else merged[index] = result;
  }
  return patchFirst(merged, patch, present, field);
}

function identityOf(field: FieldNode): (item: unknown) => unknown {
  return (item) => (isDict(item) && field.mergeKey !== "" ? item[field.mergeKey] : item);
}

/**
 * Order of a merged list where the patch names none: items of the patch in its order, before those of the server unless both were there already.
 * Source: apimachinery strategicpatch, normalizeElementOrder and mergeSortedSlice.
 */
function patchFirst(
  merged: readonly unknown[],
  patch: readonly unknown[],
  original: readonly unknown[],
  field: FieldNode,
): unknown[] {
  const identity = identityOf(field);
  const position = (items: readonly unknown[], item: unknown) =>
    items.findIndex((other) => sameJson(identity(other), identity(item)));
  const named = merged
    .filter((item) => position(patch, item) >= 0)
    .sort((a, b) => position(patch, a) - position(patch, b));
  const others = merged.filter((item) => position(patch, item) < 0);
  const result: unknown[] = [];
  for (const item of named) {
    const here = position(original, item);
    while (here >= 0 && others.length > 0 && position(original, others[0]) < here) result.push(others.shift());
    result.push(item);
  }
  return [...result, ...others];
}

/** Items that the order names stand in its order; the others keep their place relative to their neighbours. */
function inOrder(
  items: readonly unknown[],
  order: readonly unknown[],
  original: readonly unknown[],
  field: FieldNode,
): unknown[] {
  const identity = identityOf(field);
  const keys = order.map(identity);
  const rank = (item: unknown): number => keys.findIndex((key) => sameJson(key, identity(item)));
  const named = items.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const others = items.filter((item) => rank(item) < 0);
  const position = (item: unknown): number => original.findIndex((other) => sameJson(identity(other), identity(item)));
  const result: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const here = position(item);
    while (next < others.length && here >= 0 && position(others[next]) < here && position(others[next]) >= 0) {
      result.push(others[next]);
      next++;
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}
