import { create } from "@bufbuild/protobuf";
import type { Cidr } from "@heddle/std";
import { CidrRangeSchema } from "@heddle/xds-api/envoy/config/core/v3/address";
import { HttpConnectionManager_InternalAddressConfigSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { HttpConnectionManager } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeCidr } from "./socket-address.ts";

export const INTERNAL_ADDRESS_SHAPE = shape(HttpConnectionManager_InternalAddressConfigSchema, ["cidr_ranges"], {
  unix_sockets: "listeners have IP addresses, so no client comes over a Unix socket",
});

/** Whose requests count as internal; undefined: nobody's. */
export function decodeInternalAddresses(
  { internalAddressConfig: message }: HttpConnectionManager,
  scope: DecodeScope,
): readonly Cidr[] | undefined {
  if (message === undefined) return undefined;
  const at = scope.field("internal_address_config");
  checkShape(INTERNAL_ADDRESS_SHAPE, message, at);
  const ranges = message.cidrRanges.flatMap((range, i) => decodeCidr(range, at.field("cidr_ranges").item(i)) ?? []);
  return message.cidrRanges.length === 0 ? privateRanges(at) : ranges;
}

/** What counts where the message names no range. Source: Envoy `Network::Utility::isInternalAddress`. */
function privateRanges(scope: DecodeScope): readonly Cidr[] {
  return PRIVATE.flatMap(([addressPrefix, value]) => {
    const range = create(CidrRangeSchema, { addressPrefix, prefixLen: value });
    return decodeCidr(range, scope) ?? [];
  });
}

const PRIVATE = [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["127.0.0.1", 32],
  ["fd00::", 8],
  ["::1", 128],
] as const;
