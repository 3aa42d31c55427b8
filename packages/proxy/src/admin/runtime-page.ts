import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** The runtime's layers that hold values, weakest first. */
export interface RuntimeLayer {
  readonly name: string;
  readonly values: JsonObject;
}

/** `/runtime`: each key with its value in every layer, and the one that holds. Source: Envoy's admin interface. */
export function runtimePage(layers: readonly RuntimeLayer[]): JsonObject {
  const flat = layers.map(({ values }) => new Map(leaves("", values)));
  const keys = [...new Set(flat.flatMap((layer) => [...layer.keys()]))].sort();
  const entries = keys.map((key): [string, JsonObject] => {
    const layerValues = flat.map((layer) => layer.get(key) ?? "");
    return [key, { layer_values: layerValues, final_value: layerValues.findLast((value) => value !== "") ?? "" }];
  });
  return { entries: Object.fromEntries(entries), layers: layers.map(({ name }) => name) };
}

/** Nested objects are keys with dots; a fractional percent is a value as it stands. */
function leaves(path: string, value: JsonValue): readonly (readonly [string, string])[] {
  if (typeof value !== "object" || value === null) return [[path, String(value ?? "")]];
  if (Array.isArray(value) || "numerator" in value) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, item]) => leaves(path === "" ? key : `${path}.${key}`, item));
}

/** Nothing can be changed at run time. Source: Envoy answers so, with 503, where no admin layer is configured. */
export const NO_ADMIN_LAYER =
  "No admin layer: runtime values come from static layers of the bootstrap; change them there and start again\n";
