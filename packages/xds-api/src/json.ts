import {
  createRegistry,
  type DescMessage,
  type JsonValue,
  type MessageShape,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import { file_google_protobuf_struct, file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";

/**
 * Every generated message by name, to print the `Any`s of a config dump. Loading all descriptors costs about 60 ms and 15 MB,
 * so it happens when the first dump is asked for; the caller keeps the result.
 */
export async function loadTypeRegistry(): Promise<Registry> {
  const { files } = await import("./gen/files.ts");
  return createRegistry(...files, file_google_protobuf_struct, file_google_protobuf_wrappers);
}

/** `message` in protobuf's JSON form with Envoy's (snake case) field names, as in `/config_dump`. */
export function toDumpJson<D extends DescMessage>(schema: D, message: MessageShape<D>, registry: Registry): JsonValue {
  return toJson(schema, message, { registry, useProtoFieldName: true });
}
