import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "@heddle/xds-api/envoy/config/core/v3/address";

/** A TCP address, as Envoy writes it. */
export function tcpAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  return {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  };
}

/** A CIDR range, or the range of one address. */
export function cidrRange(text: string): { addressPrefix: string; prefixLen: number } {
  const [addressPrefix = "", length] = text.split("/");
  return { addressPrefix, prefixLen: length === undefined ? (addressPrefix.includes(":") ? 128 : 32) : Number(length) };
}
