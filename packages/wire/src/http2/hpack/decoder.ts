// Hot path: reads every HTTP/2 header block.
import { HEADER_NAMES } from "../../http/header-id.ts";
import { isText } from "../../http/likely-text.ts";
import { lookUpName } from "../../http1/name-lookup.ts";
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
/** Strings from here on have a length of more than one byte, and are not kept. Units: bytes. */
const LONG = 127;

class Decoder implements HpackDecoder {
  readonly #maxCapacity: number;
  readonly #table: DynamicTable;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #text = "";
  #scratch: Buffer | null = null;
  /** The last literal of each name, by static index or, behind those, known id: paths, lengths and dates often come again. */
  readonly #last: (HpackField | undefined)[] = [];

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
    let key = 0;
    if (index === 0) {
      const id = this.#knownName();
      if (id > 0) {
        name = HEADER_NAMES[id] ?? "";
        key = STATIC_LENGTH + id;
      } else {
        if (!this.#string()) return null;
        name = this.#text;
      }
    } else {
      const named = this.#lookUp(index);
      if (named === null) return null;
      name = named.name;
      if (index <= STATIC_LENGTH) key = index;
    }
    if (key === 0) return this.#string() ? createField(name, this.#text) : null;
    const last = this.#last[key];
    if (last !== undefined && this.#skipPlain(last.value)) return last;
    if (!this.#string()) return null;
    const field = createField(name, this.#text);
    this.#last[key] = field.value.length < LONG ? field : undefined;
    return field;
  }

  /** Id of a name that stands here as it is, which is then read; 0: another name, nothing was read. */
  #knownName(): number {
    const start = this.#at + 1;
    const length = this.#bytes[this.#at] ?? 0;
    if (length >= LONG || start + length > this.#end) return 0;
    const id = lookUpName(this.#bytes, start, start + length);
    return id > 0 && this.#skipPlain(HEADER_NAMES[id] ?? "") ? id : 0;
  }

  /** Reads a string that is `text`, without Huffman coding; false: it is another, nothing was read. */
  #skipPlain(text: string): boolean {
    const start = this.#at + 1;
    const end = start + text.length;
    if (this.#bytes[this.#at] !== text.length || end > this.#end || !isText(text, this.#bytes, start, end))
      return false;
    this.#at = end;
    return true;
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
