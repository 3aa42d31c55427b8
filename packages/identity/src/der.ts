/** One element of a DER structure. Source: ITU-T X.690. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The element with its head, as it stood in the input. */
  readonly raw: Uint8Array;
}

/** Tags that certificates use. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `content` with its head. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag];
  if (length < 0x80) head.push(length);
  else {
    const bytes: number[] = [];
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
    head.push(0x80 | bytes.length, ...bytes);
  }
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let offset = head.length;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(tags.sequence, ...parts);
}

/** An object identifier from its dotted form. */
export function derOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const group = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) group.unshift((left % 128) | 0x80);
    bytes.push(...group);
  }
  return der(tags.oid, Uint8Array.from(bytes));
}

/** A non-negative integer from its big-endian bytes. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  return der(tags.integer, (trimmed[0] ?? 0) >= 0x80 ? Uint8Array.from([0, ...trimmed]) : trimmed);
}

/** A bit string of whole bytes. */
export function derBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return der(tags.bitString, Uint8Array.from([unusedBits]), bytes);
}

/** `UTCTime` until 2049, `GeneralizedTime` from then on. Source: RFC 5280 §4.1.2.5. */
export function derTime(ms: number): Uint8Array {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:T]/g, "");
  const year = Number(digits.slice(0, 4));
  const short = year >= 1950 && year < 2050;
  return der(short ? tags.utcTime : tags.generalizedTime, new TextEncoder().encode(short ? digits.slice(2) : digits));
}

/** Reads the elements that stand one after the other in `bytes`. Errors: undefined when they are cut or not DER. */
export function readDer(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const tag = bytes[offset] ?? 0;
    let length = bytes[offset + 1];
    let start = offset + 2;
    if (length === undefined) return undefined;
    if (length >= 0x80) {
      const count = length & 0x7f;
      // Indefinite lengths are not DER; more than four bytes are no certificate.
      if (count === 0 || count > 4 || start + count > bytes.length) return undefined;
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0);
      start += count;
    }
    if (start + length > bytes.length) return undefined;
    elements.push({ tag, content: bytes.subarray(start, start + length), raw: bytes.subarray(offset, start + length) });
    offset = start + length;
  }
  return elements;
}

/** The parts of a constructed element. */
export function derParts(element: DerElement | undefined, tag: number): readonly DerElement[] {
  return element === undefined || element.tag !== tag ? [] : (readDer(element.content) ?? []);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
