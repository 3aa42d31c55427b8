import { canonicalJson, isObject, type Json, type JsonObject } from "@heddle/config";

/** One RFC 6902 operation. */
export type PatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string };

/** The operations that turn `before` into `after`. */
export function diff(before: JsonObject, after: JsonObject): readonly PatchOperation[] {
  const out: PatchOperation[] = [];
  diffObject(before, after, "", out);
  return out;
}

function diffObject(before: JsonObject, after: JsonObject, path: string, out: PatchOperation[]): void {
  for (const key of Object.keys(before)) {
    if (before[key] !== undefined && after[key] === undefined)
      out.push({ op: "remove", path: `${path}/${escapeToken(key)}` });
  }
  for (const key of Object.keys(after)) {
    const next = after[key];
    if (next === undefined) continue;
    const here = `${path}/${escapeToken(key)}`;
    const last = before[key];
    if (last === undefined) out.push({ op: "add", path: here, value: next });
    else diffValue(last, next, here, out);
  }
}

function diffValue(before: Json, after: Json, path: string, out: PatchOperation[]): void {
  if (canonicalJson(before) === canonicalJson(after)) return;
  if (isObject(before) && isObject(after)) diffObject(before as JsonObject, after as JsonObject, path, out);
  else if (Array.isArray(before) && Array.isArray(after)) diffList(before, after, path, out);
  else out.push({ op: "replace", path, value: after });
}

/** Lists that grew at the front or the end get additions; others of equal length are compared member by member. */
function diffList(before: readonly Json[], after: readonly Json[], path: string, out: PatchOperation[]): void {
  const grown = after.length - before.length;
  const same = (offset: number): boolean =>
    before.every((item, index) => nameOf(item) === nameOf(after[index + offset] ?? null));
  if (grown >= 0 && same(0)) {
    before.forEach((item, index) => {
      diffValue(item, after[index] ?? null, `${path}/${index}`, out);
    });
    for (const value of after.slice(before.length)) out.push({ op: "add", path: `${path}/-`, value });
  } else if (grown > 0 && same(grown)) {
    after.slice(0, grown).forEach((value, index) => {
      out.push({ op: "add", path: `${path}/${index}`, value });
    });
    before.forEach((item, index) => {
      diffValue(item, after[index + grown] ?? null, `${path}/${index + grown}`, out);
    });
  } else out.push({ op: "replace", path, value: after });
}

/** List members that have names are the same member when the name is the same. */
function nameOf(item: Json): string {
  const name = isObject(item) ? item["name"] : undefined;
  return typeof name === "string" ? name : canonicalJson(item);
}

function escapeToken(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
