import { parseIp } from "@heddle/std";

/** `ip`, or with a number of bits (`argument`) the block that it lies in: `10.1.0.0/16`. Source: Envoy 1.40 `MASK_PREFIX_LEN`. */
export function maskedIp(ip: string, argument: string | undefined): string {
  if (argument === undefined || argument === "") return ip;
  const bytes = parseIp(ip);
  if (bytes === undefined) return ip;
  const length = Math.min(Number(argument), bytes.length * 8);
  const kept = bytes.map((byte, i) => byte & (0xff00 >> Math.max(0, Math.min(8, length - i * 8))));
  return `${textOf(kept)}/${length}`;
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: string[] = [];
  for (let i = 0; i < bytes.length; i += 2) groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  // The short form of RFC 5952.
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
