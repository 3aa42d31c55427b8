import type { HappyEyeballsConfig } from "../config/happy-eyeballs.ts";
import type { SocketAddress } from "../transport/address.ts";

const familyOf = (address: SocketAddress): "v4" | "v6" => (address.ip.includes(":") ? "v6" : "v4");

/** The order in which the addresses of one server are tried: families take turns, the wanted one begins. Source: RFC 8305 section 4, Envoy `happy_eyeballs_config`. */
export function orderAddresses(
  addresses: readonly SocketAddress[],
  { first, count }: HappyEyeballsConfig,
): readonly SocketAddress[] {
  const [head] = addresses;
  if (head === undefined) return addresses;
  const wanted = first === "given" ? familyOf(head) : first;
  const ours = addresses.filter((address) => familyOf(address) === wanted);
  const others = addresses.filter((address) => familyOf(address) !== wanted);
  const ordered: SocketAddress[] = [];
  while (ours.length + others.length > 0) ordered.push(...ours.splice(0, count), ...others.splice(0, 1));
  return ordered;
}
