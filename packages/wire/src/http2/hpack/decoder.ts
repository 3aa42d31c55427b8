// Hot path: reads every HTTP/2 header block.
import { DynamicTable } from "./dynamic-table.ts";
import { createField, type HpackField } from "./field.ts";
import { decodeHuffman } from "./huffman.ts";
import { STATIC_LENGTH, STATIC_TABLE } from "./static-table.ts";

/** Gets each field of a block, in order. */
export interface FieldSink {
  onField(field: HpackField): void;
}

/** Reads header blocks of one direction of one connection; blocks must come in order, each complete. */
export interface HpackDecoder {
  /** Reads the block `bytes[start, end)`. False: a compression error, after which the connection is lost (COMPRESSION_ERROR). */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): boolean;
}

/** Default: 4096, RFC 7541's start value, which is also what we announce. Units: bytes. */
export const DEFAULT_TABLE_BYTES = 4096;

/** Strings up to this length are decoded without a new buffer. Units: bytes. */
const SCRATCH_BYTES = 4096;
const FAILED = -1;

class Decoder implements HpackDecoder {
  readonly #maxCapacity: number;
  readonly #table: DynamicTable;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #text = "";
  #scratch: Buffer | null = null;

  constructor(maxCapacity: number) {
    this.#maxCapacity = maxCapacity;
    this.#table = new DynamicTable(maxCapacity);
  }

  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): boolean {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    let sizeUpdateAllowed = true;
    while (this.#at < end) {
      const byte = bytes[this.#at] ?? 0;
      if (byte >= 0x80) {
        const field = this.#lookUp(this.#integer(7));
        if (field === null) return false;
        sink.onField(field);
      } else if (byte >= 0x40) {
        const field = this.#literal(6);
        if (field === null) return false;
        this.#table.add(field);
        sink.onField(field);
      } else if (byte >= 0x20) {
        const capacity = this.#integer(5);
        if (!sizeUpdateAllowed || capacity < 0 || capacity > this.#maxCapacity) return false;
        this.#table.resize(capacity);
        continue;
      } else {
        const field = this.#literal(4);
        if (field === null) return false;
        sink.onField(field);
      }
      sizeUpdateAllowed = false;
    }
    return true;
  }

  #lookUp(index: number): HpackField | null {
    if (index <= 0) return null;
    if (index <= STATIC_LENGTH) return STATIC_TABLE[index] ?? null;
    return this.#table.at(index - STATIC_LENGTH - 1);
  }

  #literal(prefixBits: number): HpackField | null {
    const index = this.#integer(prefixBits);
    if (index === FAILED) return null;
    let name: string;
    if (index === 0) {
      if (!this.#string()) return null;
      name = this.#text;
    } else {
      const named = this.#lookUp(index);
      if (named === null) return null;
      name = named.name;
    }
    return this.#string() ? createField(name, this.#text) : null;
  }

  /** An integer whose first byte has `prefixBits` of it; FAILED when it is cut off or beyond 2^28. Source: RFC 7541 5.1. */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (this.#bytes[this.#at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) return FAILED;
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
    return FAILED;
  }

  /** Reads a string into `#text`. Source: RFC 7541 5.2. */
  #string(): boolean {
    if (this.#at >= this.#end) return false;
    const huffman = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (length === FAILED || end > this.#end) return false;
    this.#at = end;
    if (!huffman) {
      this.#text = this.#bytes.toString("latin1", start, end);
      return true;
    }
    const most = (length << 3) / 5 + 1;
    let target = this.#scratch;
    if (most > SCRATCH_BYTES || target === null) {
      target = Buffer.allocUnsafeSlow(Math.max(SCRATCH_BYTES, Math.ceil(most)));
      if (target.length === SCRATCH_BYTES) this.#scratch = target;
    }
    const n = decodeHuffman(this.#bytes, start, end, target);
    if (n < 0) return false;
    this.#text = target.toString("latin1", 0, n);
    return true;
  }
}

export function createHpackDecoder(maxTableBytes: number = DEFAULT_TABLE_BYTES): HpackDecoder {
  return new Decoder(maxTableBytes);
}
