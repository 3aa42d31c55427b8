import type { Brand } from "@heddle/std";

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

/** Bytes of a numeric address: 4, 16, or undefined for a name. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const out = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i] ?? "";
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    out[i] = Number(part);
  }
  return out;
}

function parseIpv6(text: string): Uint8Array | undefined {
  let body = text;
  const dot = body.indexOf(".");
  if (dot >= 0) {
    const start = body.lastIndexOf(":") + 1;
    const v4 = parseIpv4(body.slice(start));
    if (v4 === undefined) return undefined;
    const hex = (high: number, low: number) => (((v4[high] ?? 0) << 8) | (v4[low] ?? 0)).toString(16);
    body = `${body.slice(0, start)}${hex(0, 1)}:${hex(2, 3)}`;
  }
  const halves = body.split("::");
  if (halves.length > 2) return undefined;
  const words = (part: string | undefined) => (part === undefined || part === "" ? [] : part.split(":"));
  const head = words(halves[0]);
  const tail = words(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...new Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...tail];
  const out = new Uint8Array(16);
  for (let i = 0; i < 8; i++) {
    const word = all[i] ?? "";
    if (!/^[0-9a-fA-F]{1,4}$/.test(word)) return undefined;
    const value = Number.parseInt(word, 16);
    out[2 * i] = value >> 8;
    out[2 * i + 1] = value & 255;
  }
  return out;
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

/** A block of addresses. */
export interface Cidr {
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
}

/** True when the numeric address lies in the block; families never mix. */
export function cidrContains(cidr: Cidr, ip: Uint8Array): boolean {
  if (cidr.bytes.length !== ip.length) return false;
  const whole = cidr.prefixLength >> 3;
  for (let i = 0; i < whole; i++) if (cidr.bytes[i] !== ip[i]) return false;
  const rest = cidr.prefixLength & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((cidr.bytes[whole] ?? 0) & mask) === ((ip[whole] ?? 0) & mask);
}
