// Hot path: once per request where a filter leaves something.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** Adds to what a filter, or several of its kind, left for the others. Source: Envoy `setDynamicMetadata`, which merges. */
export function leaveMetadata(metadata: Map<string, JsonValue>, filter: string, fields: JsonObject): void {
  const before = metadata.get(filter);
  const kept = typeof before === "object" && before !== null && !Array.isArray(before);
  metadata.set(filter, kept ? { ...before, ...fields } : fields);
}
