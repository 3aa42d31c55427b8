import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** Which fields stay; undefined: all below. */
type MaskTree = ReadonlyMap<string, MaskTree | undefined>;

/** `a.b,c`: paths of proto names. Source: `google.protobuf.FieldMask`. */
export function maskTree(text: string): MaskTree {
  const root = new Map<string, MaskTree | undefined>();
  for (const path of text.split(",").map((part) => part.trim())) {
    let at: Map<string, MaskTree | undefined> = root;
    const names = path.split(".");
    for (const [i, name] of names.entries()) {
      const known = at.get(name);
      // A path that stands whole already covers what is below it.
      if (at.has(name) && known === undefined) break;
      if (i === names.length - 1) at.set(name, undefined);
      else {
        const next = new Map(known);
        at.set(name, next);
        at = next;
      }
    }
  }
  return root;
}

/** The value with only the fields of the mask; items of lists each, and `@type` always. */
export function masked(value: JsonValue, tree: MaskTree | undefined): JsonValue {
  if (tree === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => masked(item, tree));
  const out: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === "@type") out[key] = item;
    else if (tree.has(key)) out[key] = masked(item, tree.get(key));
  }
  return out;
}

/** Every part of a dump with only the fields of the mask. Errors: undefined when none has any of them. */
export function maskedConfigs(dump: JsonObject, mask: string): JsonObject | undefined {
  const { configs } = dump;
  const tree = maskTree(mask);
  const parts = Array.isArray(configs) ? configs.map((config) => masked(config, tree)) : [];
  const found = parts.some((part) => Object.keys(part as object).some((key) => key !== "@type"));
  return found ? { ...dump, configs: parts } : undefined;
}
