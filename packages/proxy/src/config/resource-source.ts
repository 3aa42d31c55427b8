import type { JsonObject } from "@bufbuild/protobuf";
import type { Metadata } from "./proto.ts";

/** Which user-facing resource caused a generated one, for explanations. */
export type ResourceSource = JsonObject | undefined;

/** `heddle` when there, else Istio's key. */
export function sourceOf(metadata: Metadata | undefined): ResourceSource {
  return metadata?.filterMetadata["heddle"] ?? metadata?.filterMetadata["istio"];
}

/** What others than the control plane wrote about a resource, by namespace; undefined: nothing. For access logs and spans. */
export type ForeignMetadata = Readonly<Record<string, JsonObject>> | undefined;

/** Namespaces that are read while decoding, and not kept. */
const OWN: ReadonlySet<string> = new Set(["istio", "heddle", "envoy.lb", "envoy.transport_socket_match"]);

/** Most resources have none, and cost nothing. */
export function foreignMetadata(metadata: Metadata | undefined): ForeignMetadata {
  if (metadata === undefined) return undefined;
  const entries = Object.entries(metadata.filterMetadata).filter(([name]) => !OWN.has(name));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
