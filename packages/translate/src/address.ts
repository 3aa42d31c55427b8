import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "@heddle/xds-api/envoy/config/core/v3/address";

/** A TCP address, as Envoy writes it. */
export function tcpAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  return { address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } } };
}

/** The CIDR range of one address. */
export function hostRange(address: string): { addressPrefix: string; prefixLen: number } {
  return { addressPrefix: address, prefixLen: address.includes(":") ? 128 : 32 };
}
