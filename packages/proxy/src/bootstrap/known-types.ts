import { createRegistry, type DescMessage, type Registry } from "@bufbuild/protobuf";
import * as proto from "../config/proto.ts";

/**
 * The messages that our decoders read. Enough for nearly every bootstrap that we can serve, and 3 MB smaller than the registry of
 * every Envoy message, which only a message about an unknown one needs.
 */
export function knownTypes(): Registry {
  const exported: readonly unknown[] = Object.values(proto);
  return createRegistry(...exported.filter(isMessage));
}

function isMessage(value: unknown): value is DescMessage {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "message";
}
