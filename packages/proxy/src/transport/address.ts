import { networkInterfaces } from "node:os";
import { type Brand, parseIp } from "@heddle/std";

/** Where the client wanted to go before the kernel redirected its packets. */
export type OriginalDst = Brand<SocketAddress, "OriginalDst">;

/** One end of a TCP connection. */
export interface SocketAddress {
  /** Numeric form; IPv4 in IPv6 (`::ffff:1.2.3.4`) is written as IPv4. */
  readonly ip: string;
  readonly port: number;
}

/** `1.2.3.4:80`, `[::1]:80`. */
export function formatAddress(address: SocketAddress): string {
  return address.ip.includes(":") ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}

/** The address in what `formatAddress` wrote; "" in "". */
export function ipOf(text: string): string {
  const ip = text.slice(0, Math.max(0, text.lastIndexOf(":")));
  return ip.startsWith("[") ? ip.slice(1, -1) : ip;
}

/** `1.2.3.4:80` or `[::1]:80`. Errors: undefined for anything else, names too. */
export function parseAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text.trim());
  const ip = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (ip === undefined || port === 0 || port > 65_535 || parseIp(ip) === undefined) return undefined;
  return { ip, port };
}

/** The kernel's mixed form to the plain one. */
export function plainIp(ip: string): string {
  return ip.startsWith("::ffff:") && ip.includes(".") ? ip.slice(7) : ip;
}

/** Both are IPv4, or both are IPv6. */
export function sameFamily(a: string, b: string): boolean {
  return a.includes(":") === b.includes(":");
}

export function isLoopback(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

/** The address under which others know this machine; 127.0.0.1 where it has none. Source: Envoy's `--local-address-ip-version`, v4. */
export function ownIp(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1";
}

/** Canonical text of 4 or 16 address bytes. Source: RFC 5952. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const words: string[] = [];
  for (let i = 0; i < 16; i += 2) words.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && words[end] === "0") end++;
    if (end - i > bestLength) {
      bestStart = i;
      bestLength = end - i;
    }
  }
  if (bestStart < 0) return words.join(":");
  return `${words.slice(0, bestStart).join(":")}::${words.slice(bestStart + bestLength).join(":")}`;
}

/** The block that an address is in: `10.1.0.0/16`. Errors: undefined for what is no address. */
export function maskIp(ip: string, v4Bits: number, v6Bits: number): string | undefined {
  const bytes = parseIp(ip);
  if (bytes === undefined) return undefined;
  const bits = bytes.length === 4 ? v4Bits : v6Bits;
  const masked = bytes.map((byte, i) => byte & ((0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff));
  return `${ipText(masked)}/${bits}`;
}
