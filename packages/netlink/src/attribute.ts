/**
 * Netlink attributes (`struct nlattr`): 16-bit length, 16-bit type, payload, padding to 4 bytes.
 * Source: include/uapi/linux/netlink.h. Headers are in host order; only little-endian hosts are supported (x86-64, arm64).
 */
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Appends messages and attributes to one growing buffer. */
export interface AttributeWriter {
  readonly length: number;
  u8(type: number, value: number): void;
  /** Host order, as rtnetlink wants it. */
  u32(type: number, value: number): void;
  /** Network order, as nf_tables wants it. */
  be32(type: number, value: number): void;
  be64(type: number, value: bigint): void;
  be16(type: number, value: number): void;
  /** NUL-terminated. */
  text(type: number, value: string): void;
  bytes(type: number, value: Uint8Array): void;
  nest(type: number, inner: () => void): void;
  /** Raw bytes without an attribute header, padded to 4. */
  raw(value: Uint8Array): void;
  /** Overwrites a host-order 32-bit word written before. */
  patch32(offset: number, value: number): void;
  finish(): Uint8Array;
}

class GrowingWriter implements AttributeWriter {
  #buffer = new Uint8Array(1024);
  #view = new DataView(this.#buffer.buffer);
  length = 0;

  #reserve(size: number): void {
    if (this.length + size <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.length + size));
    grown.set(this.#buffer);
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Writes the header and gives the payload's offset. */
  #header(type: number, size: number): number {
    const padded = (size + 3) & ~3;
    this.#reserve(4 + padded);
    this.#view.setUint16(this.length, 4 + size, true);
    this.#view.setUint16(this.length + 2, type, true);
    const payload = this.length + 4;
    this.length = payload + padded;
    return payload;
  }

  u8(type: number, value: number): void {
    const at = this.#header(type, 1);
    this.#view.setUint8(at, value);
  }
  u32(type: number, value: number): void {
    const at = this.#header(type, 4);
    this.#view.setUint32(at, value >>> 0, true);
  }
  be32(type: number, value: number): void {
    const at = this.#header(type, 4);
    this.#view.setUint32(at, value >>> 0, false);
  }
  be64(type: number, value: bigint): void {
    const at = this.#header(type, 8);
    this.#view.setBigUint64(at, value, false);
  }
  be16(type: number, value: number): void {
    const at = this.#header(type, 2);
    this.#view.setUint16(at, value, false);
  }
  text(type: number, value: string): void {
    this.bytes(type, encoder.encode(`${value}\0`));
  }
  bytes(type: number, value: Uint8Array): void {
    const at = this.#header(type, value.length);
    this.#buffer.set(value, at);
  }
  nest(type: number, inner: () => void): void {
    const start = this.length;
    this.#header(type | NESTED, 0);
    inner();
    const size = this.length - start;
    if (size > 0xffff) throw new Error(`netlink attribute ${type} has ${size} bytes; at most 65535 fit`);
    this.#view.setUint16(start, size, true);
  }
  raw(value: Uint8Array): void {
    const padded = (value.length + 3) & ~3;
    this.#reserve(padded);
    this.#buffer.set(value, this.length);
    this.length += padded;
  }
  patch32(offset: number, value: number): void {
    this.#view.setUint32(offset, value >>> 0, true);
  }
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.length);
  }
}

export function createAttributeWriter(): AttributeWriter {
  return new GrowingWriter();
}

/** Attributes of a payload by type; a repeated type keeps the last. Stops at the first malformed header. */
export function readAttributes(payload: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (const [type, value] of attributeList(payload)) found.set(type, value);
  return found;
}

/** Attributes in order, repeats kept. */
export function attributeList(payload: Uint8Array): readonly (readonly [type: number, value: Uint8Array])[] {
  const found: (readonly [number, Uint8Array])[] = [];
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let offset = 0;
  while (offset + 4 <= payload.length) {
    const size = view.getUint16(offset, true);
    if (size < 4 || offset + size > payload.length) break;
    found.push([view.getUint16(offset + 2, true) & TYPE_MASK, payload.subarray(offset + 4, offset + size)]);
    offset += (size + 3) & ~3;
  }
  return found;
}

export function attributeText(value: Uint8Array | undefined): string {
  if (value === undefined) return "";
  const end = value.indexOf(0);
  return decoder.decode(end < 0 ? value : value.subarray(0, end));
}

/** Network order. */
export function attributeBe32(value: Uint8Array | undefined): number {
  if (value === undefined || value.length < 4) return 0;
  return new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0, false);
}

/** Network order. */
export function attributeBe64(value: Uint8Array | undefined): bigint {
  if (value === undefined || value.length < 8) return 0n;
  return new DataView(value.buffer, value.byteOffset, value.byteLength).getBigUint64(0, false);
}

/** Host order. */
export function attributeU32(value: Uint8Array | undefined): number {
  if (value === undefined || value.length < 4) return 0;
  return new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0, true);
}
