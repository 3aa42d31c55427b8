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

/** `10.0.0.0/8`, `fd00::/8`, or one address. Errors: undefined for anything else. */
function parseCidr(text: string): Cidr | undefined {
  const [base = "", bits = "", ...rest] = text.split("/");
  const bytes = parseIp(base);
  if (bytes === undefined || rest.length > 0 || !/^\d{0,3}$/.test(bits)) return undefined;
  const prefixLength = bits === "" ? bytes.length * 8 : Number(bits);
  return prefixLength > bytes.length * 8 ? undefined : { bytes, prefixLength };
}

/** True when the address lies in the CIDR range, or is that address. Anything unreadable does not. */
export function isInRange(address: string, range: string): boolean {
  const cidr = parseCidr(range);
  const ip = parseIp(address);
  return cidr !== undefined && ip !== undefined && cidrContains(cidr, ip);
}

/** Which addresses are spoken for. */
export interface AddressSet {
  has(address: string): boolean;
}

/** The set of single addresses and CIDR ranges, of both families. */
export function addressSet(addresses: Iterable<string>): AddressSet {
  const single = new Set<string>();
  const ranges: Cidr[] = [];
  for (const address of addresses) {
    const cidr = parseCidr(address);
    if (cidr === undefined) continue;
    if (cidr.prefixLength === cidr.bytes.length * 8) single.add(cidr.bytes.join());
    else ranges.push(cidr);
  }
  return {
    has(address) {
      if (single.size + ranges.length === 0) return false;
      const ip = parseIp(address);
      return ip !== undefined && (single.has(ip.join()) || ranges.some((range) => cidrContains(range, ip)));
    },
  };
}
