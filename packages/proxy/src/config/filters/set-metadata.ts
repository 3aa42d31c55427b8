import type { JsonObject } from "@bufbuild/protobuf";
import {
  type Config,
  ConfigSchema,
  MetadataSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/set_metadata/v3/set_metadata";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** Values that requests get beside them. */
export interface SetMetadataConfig {
  readonly kind: "set-metadata";
  readonly entries: readonly MetadataEntry[];
}

export interface MetadataEntry {
  readonly namespace: string;
  /** Where there is something already, it is merged; else it stays as it was. */
  readonly overwrite: boolean;
  readonly value: JsonObject;
}

export const SET_METADATA_SHAPE = shape(ConfigSchema, ["metadata_namespace", "value", "metadata"]);
export const METADATA_ENTRY_SHAPE = shape(
  MetadataSchema,
  ["metadata_namespace", "allow_overwrite", "value"],
  {},
  { typed_value: "nothing here reads typed metadata; use value" },
);

/** Errors: an entry without a namespace. */
export function decodeSetMetadata(message: Config, scope: DecodeScope): SetMetadataConfig {
  checkShape(SET_METADATA_SHAPE, message, scope);
  const entries: MetadataEntry[] = [];
  // The deprecated fields come first, and overwrite. Source: Envoy `set_metadata_filter.cc`.
  if (message.value !== undefined)
    entries.push({ namespace: message.metadataNamespace, overwrite: true, value: message.value });
  message.metadata.forEach((item, i) => {
    const at = scope.field("metadata").item(i);
    checkShape(METADATA_ENTRY_SHAPE, item, at);
    if (item.metadataNamespace === "") at.field("metadata_namespace").problem("is required");
    if (item.value === undefined) return;
    entries.push({ namespace: item.metadataNamespace, overwrite: item.allowOverwrite, value: item.value });
  });
  return { kind: "set-metadata", entries };
}
