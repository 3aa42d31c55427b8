import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { flatten, type Runtime, type RuntimeLayer } from "../runtime/runtime.ts";
import { textAnswer } from "./answer.ts";

/** `/runtime`: each key with its value in every layer, and the one that holds. Source: Envoy's admin interface. */
export function runtimePage(layers: readonly RuntimeLayer[]): JsonObject {
  const flat = layers.map(
    ({ values = {} }) => new Map(flatten("", values).map(([key, value]) => [key, text(value)] as const)),
  );
  const keys = [...new Set(flat.flatMap((layer) => [...layer.keys()]))].sort();
  const entries = keys.map((key): [string, JsonObject] => {
    const layerValues = flat.map((layer) => layer.get(key) ?? "");
    return [key, { layer_values: layerValues, final_value: layerValues.findLast((value) => value !== "") ?? "" }];
  });
  return { entries: Object.fromEntries(entries), layers: layers.map(({ name }) => name) };
}

function text(value: JsonValue): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "");
}

const USAGE =
  "usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\nuse an empty value to remove a previously added override";

/** `/runtime_modify`: changes values; `changed` is told before the answer. Source: Envoy's admin interface. */
export function modifyRuntime(
  runtime: Runtime,
  url: URL,
  changed: (changes: readonly (readonly [string, string])[]) => void,
): Response {
  const changes = [...url.searchParams];
  if (changes.length === 0) return textAnswer(USAGE, 400);
  if (!runtime.modifiable) return textAnswer(NO_ADMIN_LAYER, 503);
  runtime.modify(changes);
  changed(changes);
  return textAnswer("OK\n");
}

/** Nothing can be changed at run time. Source: Envoy answers so, with 503, where no admin layer is configured. */
const NO_ADMIN_LAYER =
  "No admin layer: runtime values come from static layers of the bootstrap; add a layer with admin_layer: {} to change them here\n";
