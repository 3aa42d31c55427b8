import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "@heddle/xds-api/envoy/config/core/v3/address";

/** A TCP address, as Envoy writes it. */
export function tcpAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  return {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  };
}

/** Where an endpoint is: an address and port, or a unix socket. */
export function endpointAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  if (!address.startsWith("unix://")) return tcpAddress(address, port);
  return { address: { case: "pipe", value: { path: address.slice("unix://".length) } } };
}

/** A CIDR range, or the range of one address. */
export function cidrRange(text: string): { addressPrefix: string; prefixLen: number } {
  const [addressPrefix = "", length] = text.split("/");
  return { addressPrefix, prefixLen: length === undefined ? (addressPrefix.includes(":") ? 128 : 32) : Number(length) };
}
