import { clientHelloBody } from "./client-hello.ts";

const EXTENSION_GROUPS = 10;
const EXTENSION_POINT_FORMATS = 11;
const NO_BYTES = new Uint8Array(0);

/**
 * What JA3 is the MD5 of: version, ciphers, extensions, groups and point formats that a client offers, in its order.
 * `bytes` begin with a ClientHello that `readClientHello` has read. Source: github.com/salesforce/ja3.
 */
export function ja3Text(bytes: Uint8Array): string {
  const gathered = clientHelloBody(bytes);
  const body = gathered?.ok === true ? gathered.value : NO_BYTES;
  let at = 35 + (body[34] ?? 0);
  const ciphersEnd = at + 2 + u16(body, at);
  const ciphers = numbers(body, at + 2, ciphersEnd, 2);
  at = ciphersEnd + 1 + (body[ciphersEnd] ?? 0) + 2;
  const extensions: number[] = [];
  let groups: readonly number[] = [];
  let formats: readonly number[] = [];
  while (at + 4 <= body.length) {
    const kind = u16(body, at);
    const from = at + 4;
    const to = from + u16(body, at + 2);
    if (!isGrease(kind)) extensions.push(kind);
    if (kind === EXTENSION_GROUPS) groups = numbers(body, from + 2, to, 2);
    else if (kind === EXTENSION_POINT_FORMATS) formats = numbers(body, from + 1, to, 1);
    at = to;
  }
  return [[u16(body, 0)], ciphers, extensions, groups, formats].map((list) => list.join("-")).join(",");
}

/** Numbers of `size` bytes, without those that say nothing. */
function numbers(body: Uint8Array, from: number, to: number, size: 1 | 2): readonly number[] {
  const found: number[] = [];
  for (let at = from; at + size <= Math.min(to, body.length); at += size) {
    const value = size === 1 ? (body[at] ?? 0) : u16(body, at);
    if (size === 1 || !isGrease(value)) found.push(value);
  }
  return found;
}

/** Reserved values that clients mix in so that servers keep ignoring what they don't know. Source: RFC 8701. */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
