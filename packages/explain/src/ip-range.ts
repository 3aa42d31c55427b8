import { BlockList, isIP } from "node:net";

/** True when an address is in a CIDR range (`10.0.0.0/8`) or is that address. Anything unreadable is not. */
export function inRange(ip: string, range: string): boolean {
  const [prefix = "", bits] = range.split("/");
  const family = isIP(prefix);
  if (family === 0 || isIP(ip) !== family) return false;
  const type = family === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(prefix, bits === undefined || bits === "" ? (family === 6 ? 128 : 32) : Number(bits), type);
  return list.check(ip, type);
}
