import { type Cidr, parseIp } from "@heddle/std";
import type { SocketAddress } from "../transport/address.ts";
import { type Address, type CidrRange, SocketAddress_Protocol } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";

/** An address of the configuration: TCP or a unix socket. */
export type ConfigAddress =
  | {
      readonly kind: "tcp";
      readonly address: SocketAddress /** False when `address.ip` is a name. */;
      readonly numeric: boolean;
    }
  | { readonly kind: "pipe"; readonly path: string };

export function decodeAddress(message: Address | undefined, scope: DecodeScope): ConfigAddress | undefined {
  const specifier = message?.address;
  switch (specifier?.case) {
    case "socketAddress": {
      const socket = specifier.value;
      const at = scope.field("socket_address");
      if (socket.protocol !== SocketAddress_Protocol.TCP) at.field("protocol").problem("only TCP is implemented");
      if (socket.address === "") at.field("address").problem("an address is missing");
      if (socket.portSpecifier.case === "namedPort")
        at.field("named_port").problem("named ports are not implemented; use port_value");
      if (socket.resolverName !== "")
        at.field("resolver_name").problem("refused: names are resolved by the system; leave it out");
      if (socket.ipv4Compat) at.field("ipv4_compat").problem("refused: listen on an address of each family");
      const port = socket.portSpecifier.case === "portValue" ? socket.portSpecifier.value : 0;
      if (port > 65_535) at.field("port_value").problem(`${port} is not a port`);
      return { kind: "tcp", address: { ip: socket.address, port }, numeric: parseIp(socket.address) !== undefined };
    }
    case "pipe":
      return { kind: "pipe", path: specifier.value.path };
    case "envoyInternalAddress":
      scope.field("envoy_internal_address").problem("internal listeners are not implemented");
      return undefined;
    default:
      scope.problem("an address needs socket_address or pipe");
      return undefined;
  }
}

export function decodeCidr(
  message: Pick<CidrRange, "addressPrefix" | "prefixLen">,
  scope: DecodeScope,
): Cidr | undefined {
  const bytes = parseIp(message.addressPrefix);
  if (bytes === undefined) {
    scope.field("address_prefix").problem(`"${message.addressPrefix}" is not a numeric address`);
    return undefined;
  }
  const prefixLength = message.prefixLen ?? 0;
  if (prefixLength > bytes.length * 8) {
    scope.field("prefix_len").problem(`${prefixLength} is longer than the address`);
    return undefined;
  }
  return { bytes, prefixLength };
}
