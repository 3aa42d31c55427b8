/** Reading and copying JSON whose shape is not known: the server's currency, since objects come from users. */

export type Dict = Readonly<Record<string, unknown>>;
/** A copy that its holder alone may change before it becomes a stored, frozen object. */
export type Draft = Record<string, unknown>;

const NOTHING: Dict = Object.freeze({});
const NO_ITEMS: readonly unknown[] = Object.freeze([]);

export function isDict(value: unknown): value is Dict {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDraft(value: unknown): value is Draft {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as a map; an empty one when it is something else. */
export function dict(value: unknown): Dict {
  return isDict(value) ? value : NOTHING;
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : NO_ITEMS;
}

export function text(value: unknown, fallback = ""): string {
  return typeof value === "string" ? value : fallback;
}

export function int(value: unknown, fallback = 0): number {
  return typeof value === "number" ? value : fallback;
}

/** Walks maps by key; undefined as soon as something is missing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const key of path) {
    if (!isDict(here)) return undefined;
    here = here[key];
  }
  return here;
}

/** The map under `key`, made when missing, to be changed in place. */
export function child(draft: Draft, key: string): Draft {
  const present = draft[key];
  if (isDraft(present)) return present;
  const made: Draft = {};
  draft[key] = made;
  return made;
}

/** The map under `key` to be changed in place, when there is one. */
export function childIfAny(draft: Draft, key: string): Draft | undefined {
  const present = draft[key];
  return isDraft(present) ? present : undefined;
}

/** The maps in the list under `key`, to be changed in place. */
export function children(draft: Draft, key: string): readonly Draft[] {
  const present = draft[key];
  return Array.isArray(present) ? present.filter(isDraft) : [];
}

export function cloneValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneValue);
  return cloneDict(dict(value));
}

export function cloneDict(value: Dict): Draft {
  const copy: Draft = {};
  for (const key of Object.keys(value)) copy[key] = cloneValue(value[key]);
  return copy;
}

export function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}

/** Equality of JSON; a key that holds undefined counts as absent. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => sameJson(item, right[index]))
    );
  }
  if (!isDict(left) || !isDict(right)) return false;
  for (const key of Object.keys(left)) if (!sameJson(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}

/** Nothing a user would call content: null, "", [], {}. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return isDict(value) && Object.keys(value).length === 0;
}
