// Hot path: most literals arrive Huffman coded.
import { ACCEPTS, EMITS, FAILS, HUFFMAN_CODES, HUFFMAN_LENGTHS, HUFFMAN_STEPS } from "./huffman-code.ts";

/** Decodes `source[start, end)` into `target`, which must hold 8/5 of its length; the number of bytes, or -1 when it is malformed. */
export function decodeHuffman(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let state = 0;
  let length = 0;
  let flags = ACCEPTS;
  for (let i = start; i < end; i++) {
    const byte = source[i] ?? 0;
    let step = HUFFMAN_STEPS[(state << 4) | (byte >>> 4)] ?? FAILS;
    if ((step & EMITS) !== 0) target[length++] = (step >>> 8) & 255;
    if ((step & FAILS) !== 0) return -1;
    step = HUFFMAN_STEPS[((step & 255) << 4) | (byte & 15)] ?? FAILS;
    if ((step & EMITS) !== 0) target[length++] = (step >>> 8) & 255;
    if ((step & FAILS) !== 0) return -1;
    state = step & 255;
    flags = step;
  }
  return (flags & ACCEPTS) !== 0 ? length : -1;
}

/** Bytes that a latin1 text takes when coded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += HUFFMAN_LENGTHS[text.charCodeAt(i) & 255] ?? 0;
  return (bits + 7) >>> 3;
}

/** Codes a latin1 text into `target` at `at`; returns the offset behind it. */
export function encodeHuffman(text: string, target: Uint8Array, at: number): number {
  let out = at;
  // At most seven bits wait here between symbols, and a code has at most thirty, so two words are enough.
  let waiting = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 255;
    const code = HUFFMAN_CODES[symbol] ?? 0;
    for (let left = HUFFMAN_LENGTHS[symbol] ?? 0; left > 0; ) {
      const take = Math.min(left, 8 - count);
      waiting = (waiting << take) | ((code >>> (left - take)) & ((1 << take) - 1));
      count += take;
      left -= take;
      if (count === 8) {
        target[out++] = waiting;
        waiting = 0;
        count = 0;
      }
    }
  }
  if (count > 0) target[out++] = (waiting << (8 - count)) | ((1 << (8 - count)) - 1);
  return out;
}
