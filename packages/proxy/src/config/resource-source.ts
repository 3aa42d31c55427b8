import type { JsonObject } from "@bufbuild/protobuf";
import type { Metadata } from "./proto.ts";

/** Which user-facing resource caused a generated one, for explanations. */
export type ResourceSource = JsonObject | undefined;

/** `heddle` when there, else Istio's key. */
export function sourceOf(metadata: Metadata | undefined): ResourceSource {
  return metadata?.filterMetadata["heddle"] ?? metadata?.filterMetadata["istio"];
}
