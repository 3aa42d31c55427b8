import { cloneValue, type Draft, isDict, list } from "../json/json-value.ts";
import { type FieldNode, itemField } from "../schema/type-node.ts";
import { type FieldSet, fieldOf, isGranular, itemKey, sub } from "./field-set.ts";

/** The live value with the applied one laid over it: maps by key, associative lists by item, the rest whole. */
export function applyOver(live: unknown, applied: unknown, field: FieldNode): unknown {
  if (live === undefined || !isGranular(applied, field)) return cloneValue(applied);
  if (isDict(applied)) {
    const merged: Draft = isDict(live) ? { ...live } : {};
    for (const key of Object.keys(applied)) {
      if (applied[key] === undefined) continue;
      merged[key] = applyOver(merged[key], applied[key], fieldOf(field, key));
    }
    return merged;
  }
  return mergeLists(list(live), list(applied), field);
}

/** Applied items in their order, merged with their live counterparts; live items without counterpart keep their place. */
function mergeLists(live: readonly unknown[], applied: readonly unknown[], field: FieldNode): unknown[] {
  const itemNode = itemField(field.type);
  const liveByKey = new Map(live.map((item) => [itemKey(item, field), item]));
  const appliedKeys = new Set(applied.map((item) => itemKey(item, field)));
  const merged: unknown[] = [];
  let next = 0;
  const takeLiveUntil = (key: string | undefined) => {
    while (next < live.length) {
      const present = itemKey(live[next], field);
      if (present === key) {
        next++;
        return;
      }
      if (appliedKeys.has(present)) return;
      merged.push(live[next]);
      next++;
    }
  };
  for (const item of applied) {
    const key = itemKey(item, field);
    takeLiveUntil(key);
    const counterpart = liveByKey.get(key);
    merged.push(field.keys === "set" ? item : applyOver(counterpart, item, itemNode));
  }
  for (; next < live.length; next++) if (!appliedKeys.has(itemKey(live[next], field))) merged.push(live[next]);
  return merged;
}

/** A copy without the given paths; maps that become empty stay unless they are in the set themselves. */
export function withoutPaths(value: unknown, paths: FieldSet, field: FieldNode): unknown {
  if (Object.keys(paths).length === 0) return value;
  if (isDict(value)) {
    const rest: Draft = {};
    for (const [key, item] of Object.entries(value)) {
      const removed = sub(paths, `f:${key}`);
      if (!removed) {
        rest[key] = item;
        continue;
      }
      const kept = keepInside(item, removed, fieldOf(field, key));
      if (kept !== undefined) rest[key] = kept;
    }
    return rest;
  }
  if (!Array.isArray(value)) return value;
  const kept: unknown[] = [];
  for (const item of value) {
    const key = itemKey(item, field);
    const removed = key === undefined ? undefined : sub(paths, key);
    if (!removed) {
      kept.push(item);
      continue;
    }
    const rest = keepInside(item, removed, itemField(field.type), field.keys === "set" ? [] : (field.keys ?? []));
    if (rest !== undefined) kept.push(rest);
  }
  return kept;
}

function keepInside(value: unknown, removed: FieldSet, field: FieldNode, keys: readonly string[] = []): unknown {
  const names = Object.keys(removed);
  if (names.length === 0) return undefined;
  const rest = withoutPaths(value, removed, field);
  if (isDict(rest)) {
    const left = Object.keys(rest).filter((key) => !keys.includes(key));
    if (left.length === 0 && (removed["."] !== undefined || keys.length > 0 || Object.keys(rest).length === 0)) {
      return undefined;
    }
  }
  if (Array.isArray(rest) && rest.length === 0) return undefined;
  return rest;
}
