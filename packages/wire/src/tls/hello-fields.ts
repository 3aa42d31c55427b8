import { clientHelloBody } from "./client-hello.ts";

/** What clients are told apart by. Reserved values that say nothing (RFC 8701) are left out of the lists of numbers. */
export interface HelloFields {
  /** The message without its kind and length; ranges of `extensions` point into it. */
  readonly body: Uint8Array;
  readonly ciphers: readonly number[];
  /** In the client's order. */
  readonly extensions: readonly HelloExtension[];
}

/** An extension's content is `body[from, to)`. */
export interface HelloExtension {
  readonly kind: number;
  readonly from: number;
  readonly to: number;
}

const NO_BYTES = new Uint8Array(0);

/** `bytes` begin with a ClientHello that `readClientHello` has read. Source: RFC 8446 §4.1.2. */
export function helloFields(bytes: Uint8Array): HelloFields {
  const gathered = clientHelloBody(bytes);
  const body = gathered?.ok === true ? gathered.value : NO_BYTES;
  let at = 35 + (body[34] ?? 0);
  const ciphersEnd = at + 2 + u16(body, at);
  const ciphers = plainNumbers(body, at + 2, ciphersEnd);
  at = ciphersEnd + 1 + (body[ciphersEnd] ?? 0) + 2;
  const extensions: HelloExtension[] = [];
  while (at + 4 <= body.length) {
    const kind = u16(body, at);
    const from = at + 4;
    const to = from + u16(body, at + 2);
    if (!isGrease(kind)) extensions.push({ kind, from, to });
    at = to;
  }
  return { body, ciphers, extensions };
}

/** Numbers of two bytes, without those that say nothing. */
export function plainNumbers(body: Uint8Array, from: number, to: number): readonly number[] {
  const found: number[] = [];
  for (let at = from; at + 2 <= Math.min(to, body.length); at += 2) {
    const value = u16(body, at);
    if (!isGrease(value)) found.push(value);
  }
  return found;
}

/** Reserved values that clients mix in so that servers keep ignoring what they don't know. Source: RFC 8701. */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
