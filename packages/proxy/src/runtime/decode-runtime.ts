import type { JsonValue } from "@bufbuild/protobuf";
import {
  type LayeredRuntime,
  RuntimeLayer_DiskLayerSchema,
  RuntimeLayer_RtdsLayerSchema,
  RuntimeLayerSchema,
} from "@heddle/xds-api/envoy/config/bootstrap/v3/bootstrap";
import { decodeConfigOrigin } from "../config/config-origin.ts";
import type { DecodeScope } from "../config/scope.ts";
import { checkShape, shape } from "../config/shape.ts";
import { type DiscoveredLayer, type FolderLayer, flatten, type RuntimeSettings } from "./runtime.ts";

export const RUNTIME_LAYER_SHAPE = shape(RuntimeLayerSchema, [
  "name",
  "static_layer",
  "admin_layer",
  "disk_layer",
  "rtds_layer",
]);
export const DISK_LAYER_SHAPE = shape(RuntimeLayer_DiskLayerSchema, [
  "symlink_root",
  "subdirectory",
  "append_service_cluster",
]);
export const RTDS_LAYER_SHAPE = shape(RuntimeLayer_RtdsLayerSchema, ["name", "rtds_config"]);

/** Errors: layers without a name, of one name, of no kind, two that are written, values that are none. */
export function decodeRuntime(message: LayeredRuntime | undefined, scope: DecodeScope): RuntimeSettings {
  const names = new Set<string>();
  const folders: FolderLayer[] = [];
  const discovered: DiscoveredLayer[] = [];
  let adminLayer: string | undefined;
  const layers = (message?.layers ?? []).map((layer, i) => {
    const at = scope.field("layers").item(i);
    checkShape(RUNTIME_LAYER_SHAPE, layer, at);
    const { name, layerSpecifier: kind } = layer;
    if (name === "" || names.has(name)) at.field("name").problem("every layer needs a name of its own");
    names.add(name);
    switch (kind.case) {
      case "adminLayer":
        if (adminLayer !== undefined) at.field("admin_layer").problem("there can be one layer that operators change");
        adminLayer = name;
        break;
      case "staticLayer":
        for (const problem of valueProblems(kind.value)) at.field("static_layer").problem(problem);
        return { name, values: kind.value };
      case "diskLayer": {
        const disk = at.field("disk_layer");
        checkShape(DISK_LAYER_SHAPE, kind.value, disk);
        const { symlinkRoot: root, subdirectory: below, appendServiceCluster: appendsCluster } = kind.value;
        if (root === "") disk.field("symlink_root").problem("the path of a folder, or of a link to one, is needed");
        folders.push({ name, root, below, appendsCluster });
        return { name, values: undefined };
      }
      case "rtdsLayer": {
        const rtds = at.field("rtds_layer");
        checkShape(RTDS_LAYER_SHAPE, kind.value, rtds);
        const from = decodeConfigOrigin(kind.value.rtdsConfig, rtds.field("rtds_config"));
        if (from === undefined) rtds.field("rtds_config").problem("it must say where the values come from");
        else discovered.push({ name, resource: kind.value.name, from });
        break;
      }
      case undefined:
        at.problem("a layer needs one of static_layer, disk_layer, admin_layer, rtds_layer");
    }
    return { name, values: {} };
  });
  // Source: Envoy, where the list of layers is there and empty.
  if (message !== undefined && layers.length === 0)
    return { layers: [{ name: "admin", values: {} }], adminLayer: "admin" };
  return { layers, adminLayer, folders, discovered };
}

/** What is no value of the runtime. Source: Envoy refuses lists and nulls. */
export function valueProblems(values: JsonValue): readonly string[] {
  return flatten("", values).flatMap(([key, value]) =>
    value === null || Array.isArray(value) ? [`${key} is ${value === null ? "null" : "a list"}, not a value`] : [],
  );
}
