import { type LayeredRuntime, RuntimeLayerSchema } from "@heddle/xds-api/envoy/config/bootstrap/v3/bootstrap";
import type { DecodeScope } from "../config/scope.ts";
import { checkShape, shape } from "../config/shape.ts";
import type { RuntimeSettings } from "./runtime.ts";

export const RUNTIME_LAYER_SHAPE = shape(
  RuntimeLayerSchema,
  ["name", "static_layer", "admin_layer"],
  {},
  {
    disk_layer: "values come from the bootstrap and from /runtime_modify",
    rtds_layer: "values come from the bootstrap and from /runtime_modify",
  },
);

/** Errors: layers without a name, of one name, of another kind, or two that are written. */
export function decodeRuntime(message: LayeredRuntime | undefined, scope: DecodeScope): RuntimeSettings {
  const names = new Set<string>();
  let adminLayer: string | undefined;
  const layers = (message?.layers ?? []).map((layer, i) => {
    const at = scope.field("layers").item(i);
    checkShape(RUNTIME_LAYER_SHAPE, layer, at);
    const { name, layerSpecifier: kind } = layer;
    if (name === "" || names.has(name)) at.field("name").problem("every layer needs a name of its own");
    names.add(name);
    if (kind.case === "adminLayer") {
      if (adminLayer !== undefined) at.field("admin_layer").problem("there can be one layer that operators change");
      adminLayer = name;
    } else if (kind.case === undefined) at.problem("a layer needs static_layer or admin_layer");
    return { name, values: kind.case === "staticLayer" ? kind.value : {} };
  });
  // Source: Envoy, where the list of layers is there and empty.
  if (message !== undefined && layers.length === 0)
    return { layers: [{ name: "admin", values: {} }], adminLayer: "admin" };
  return { layers, adminLayer };
}
