import type { TypedExtensionConfig } from "@heddle/xds-api/envoy/config/core/v3/extension";
import { XffConfigSchema } from "@heddle/xds-api/envoy/extensions/http/original_ip_detection/xff/v3/xff";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

export const XFF_SHAPE = shape(XffConfigSchema, ["xff_num_trusted_hops"]);

/** Proxies in front that are trusted. */
const DETECTORS: AnyTable<number> = {
  [XffConfigSchema.typeName]: messageEntry(XffConfigSchema, (message, scope) => {
    checkShape(XFF_SHAPE, message, scope);
    return message.xffNumTrustedHops;
  }),
};

/** Ways to find the client's address; for the reference. */
export const ORIGINAL_IP_TYPES: readonly string[] = Object.keys(DETECTORS);

/**
 * How many proxies in front are trusted, by an extension that says so; undefined: none is there. Without `use_remote_address` it is the same as
 * `xff_num_trusted_hops` of the connection manager. Errors: beside one of both. Source: Envoy.
 */
export function decodeOriginalIp(
  messages: readonly TypedExtensionConfig[],
  { useRemoteAddress, hops }: { readonly useRemoteAddress: boolean; readonly hops: number },
  scope: DecodeScope,
): number | undefined {
  if (messages.length === 0) return undefined;
  if (useRemoteAddress) scope.problem("can't stand beside use_remote_address; remove one of both");
  if (hops > 0) scope.problem("can't stand beside xff_num_trusted_hops; write the hops into the extension");
  if (messages.length > 1) scope.problem("only one extension is taken: the first would always find an address");
  return decodeAny(messages[0]?.typedConfig, DETECTORS, scope.item(0).field("typed_config"));
}
