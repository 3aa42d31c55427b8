import {
  createRegistry,
  type DescMessage,
  type JsonValue,
  type MessageShape,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import { file_google_protobuf_struct, file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";
import { LazyFile } from "./lazy/lazy-file.ts";
import { createLazyRegistry } from "./lazy/lazy-registry.ts";

/** Every generated message by name, to read and print any `Any`. Loads all files (some 30 ms), so it happens when somebody asks; the caller keeps the result. */
export async function loadTypeRegistry(): Promise<Registry> {
  // Generated declarations call them by the library's type.
  const files: readonly unknown[] = (await import("./gen/files.ts")).files;
  const lazy = files.filter((file) => file instanceof LazyFile);
  return createLazyRegistry(lazy, createRegistry(file_google_protobuf_struct, file_google_protobuf_wrappers));
}

/** `message` in protobuf's JSON form with Envoy's (snake case) field names, as in `/config_dump`. */
export function toDumpJson<D extends DescMessage>(schema: D, message: MessageShape<D>, registry: Registry): JsonValue {
  return toJson(schema, message, { registry, useProtoFieldName: true });
}
