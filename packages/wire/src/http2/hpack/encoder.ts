// Hot path: writes every HTTP/2 header block.
import { asFlat, type FlatHeaderList } from "../../http/flat-header-list.ts";
import { HEADER_ID } from "../../http/header-id.ts";
import type { HeaderList } from "../../http/header-list.ts";
import { RecentNames } from "../../http1/recent-names.ts";
import { type OutputBuffer, writeLatin1 } from "../../output-buffer.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";
import { STATIC_LENGTH, STATIC_NAME_INDEX, staticIndexOf } from "./static-table.ts";

/** Writes header blocks of one direction of one connection, in the order in which they are sent. */
export interface HpackEncoder {
  /** Call once before the fields of each block. */
  begin(output: OutputBuffer): void;
  field(name: string, value: string, id: number, output: OutputBuffer): void;
  list(headers: HeaderList, output: OutputBuffer): void;
  /** The peer's SETTINGS_HEADER_TABLE_SIZE; at most our own limit is used. Units: bytes. */
  setPeerTableBytes(bytes: number): void;
  /** Names and values of the present block. */
  readonly plainBytes: number;
}

export interface HpackEncoderOptions {
  /** Most table memory that we use. Default: 4096. Units: bytes. */
  readonly maxTableBytes?: number;
  /** Compress literals. Default: false: inside a data centre CPU is dearer than bytes. */
  readonly huffman?: boolean;
}

/** Values that differ in nearly every message would only push useful entries out of the table. */
const NEVER_REPEATED: ReadonlySet<string> = new Set([
  ":path",
  "content-length",
  "date",
  "etag",
  "if-modified-since",
  "if-none-match",
  "last-modified",
  "location",
  "x-request-id",
  "x-client-trace-id",
  "traceparent",
  "tracestate",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-envoy-upstream-service-time",
  "x-envoy-expected-rq-timeout-ms",
  "grpc-timeout",
  "grpc-message",
]);
/** Secrets: told to every hop never to be put into a table. Source: RFC 7541 7.1.3. */
const NEVER_INDEXED: ReadonlySet<number> = new Set([
  HEADER_ID.authorization,
  HEADER_ID.cookie,
  HEADER_ID["set-cookie"],
]);

const VALUES_PER_NAME = 4;
/** A name whose values were added this often without being used again is not added any more. */
const GIVE_UP_AFTER = 16;

/** What the encoder knows of one header name. */
class NameSlot {
  readonly staticIndex: number;
  readonly policy: number;
  /** Recent values and the insertion number of each; -1 is empty. */
  readonly values: string[] = ["", "", "", ""];
  readonly inserted: number[] = [-1, -1, -1, -1];
  next = 0;
  /** Insertions minus four times the hits, never below 0. */
  waste = 0;
  /** The last value that was looked up in the static table, and the answer. */
  staticValue: string | null = null;
  staticValueIndex = 0;

  constructor(name: string, id: number) {
    this.staticIndex = STATIC_NAME_INDEX.get(name) ?? 0;
    this.policy = NEVER_INDEXED.has(id) && id > 0 ? NEVER : NEVER_REPEATED.has(name) ? PLAIN : ADD;
  }
}

const ADD = 0;
const PLAIN = 1;
const NEVER = 2;

class Encoder implements HpackEncoder {
  plainBytes = 0;
  readonly #maxBytes: number;
  readonly #huffman: boolean;
  /** By known id; others by name. */
  readonly #byId: (NameSlot | undefined)[] = [];
  readonly #byName = new Map<string, NameSlot>();
  readonly #names = new RecentNames();
  #capacity = 4096;
  #size = 0;
  /** Number of insertions so far. Entry k is alive while k >= #evicted. */
  #insertions = 0;
  #evicted = 0;
  /** Sizes of live entries, oldest first, from `#evicted`. */
  readonly #sizes: number[] = [];
  /** Smallest capacity since the last block, when it must be announced; -1 when not. */
  #announceLow = -1;

  constructor(options: HpackEncoderOptions) {
    this.#maxBytes = options.maxTableBytes ?? 4096;
    this.#huffman = options.huffman ?? false;
    if (this.#maxBytes < 4096) this.setPeerTableBytes(this.#maxBytes);
  }

  begin(output: OutputBuffer): void {
    this.plainBytes = 0;
    if (this.#announceLow < 0) return;
    if (this.#announceLow < this.#capacity) writeInteger(0x20, 5, this.#announceLow, output);
    writeInteger(0x20, 5, this.#capacity, output);
    this.#announceLow = -1;
  }

  setPeerTableBytes(bytes: number): void {
    const capacity = Math.min(bytes, this.#maxBytes);
    if (capacity === this.#capacity) return;
    this.#announceLow = this.#announceLow < 0 ? capacity : Math.min(this.#announceLow, capacity);
    this.#capacity = capacity;
    this.#evictTo(capacity);
  }

  list(headers: HeaderList, output: OutputBuffer): void {
    const flat = asFlat(headers);
    for (let i = 0; i < flat.length; i++) {
      const id = flat.idAt(i);
      if (id < 0) continue;
      const bytes = flat.lineStart(i) >= 0;
      if (bytes && id === 0) flat.nameWith(i, this.#names);
      const name = flat.nameAt(i);
      if (bytes && this.#bytesField(name, id, flat, i, output)) continue;
      this.field(name, flat.valueAt(i), id, output);
    }
  }

  /** As `field`, of a value that is still bytes; false: its text is needed, nothing was written. */
  #bytesField(name: string, id: number, headers: FlatHeaderList, at: number, output: OutputBuffer): boolean {
    const slot = this.#slot(name, id);
    const start = headers.valueStart(at);
    const end = headers.valueEnd(at);
    if (slot.staticValueIndex > 0 && headers.valueEquals(at, slot.staticValue ?? "")) {
      writeInteger(0x80, 7, slot.staticValueIndex, output);
    } else {
      const index = this.#indexOf(slot, headers, at);
      if (index > 0) {
        if (slot.waste > 0) slot.waste = Math.max(0, slot.waste - 4);
        writeInteger(0x80, 7, index, output);
      } else if (slot.policy === ADD || start === end || this.#huffman) {
        return false;
      } else {
        writeInteger(slot.policy === NEVER ? 0x10 : 0, 4, slot.staticIndex, output);
        if (slot.staticIndex === 0) this.#string(name, output);
        writeInteger(0, 7, end - start, output);
        output.append(headers.source, start, end);
      }
    }
    this.plainBytes += name.length + end - start;
    return true;
  }

  /** Of a recent value in the table, or 0. */
  #indexOf(slot: NameSlot, headers: FlatHeaderList, at: number): number {
    for (let i = 0; i < VALUES_PER_NAME; i++) {
      const inserted = slot.inserted[i] ?? -1;
      if (inserted < this.#evicted || !headers.valueEquals(at, slot.values[i] ?? "")) continue;
      return STATIC_LENGTH + this.#insertions - inserted;
    }
    return 0;
  }

  field(name: string, value: string, id: number, output: OutputBuffer): void {
    this.plainBytes += name.length + value.length;
    const slot = this.#slot(name, id);
    if (slot.staticIndex > 0) {
      const index = this.#staticIndex(slot, name, value);
      if (index > 0) {
        writeInteger(0x80, 7, index, output);
        return;
      }
    }
    let nameIndex = slot.staticIndex;
    for (let i = 0; i < VALUES_PER_NAME; i++) {
      const inserted = slot.inserted[i] ?? -1;
      if (inserted < this.#evicted) continue;
      const index = STATIC_LENGTH + this.#insertions - inserted;
      if (slot.values[i] === value) {
        if (slot.waste > 0) slot.waste = Math.max(0, slot.waste - 4);
        writeInteger(0x80, 7, index, output);
        return;
      }
      if (nameIndex === 0) nameIndex = index;
    }
    const add = slot.policy === ADD && slot.waste < GIVE_UP_AFTER && this.#fits(name, value);
    if (add) writeInteger(0x40, 6, nameIndex, output);
    else writeInteger(slot.policy === NEVER ? 0x10 : 0, 4, nameIndex, output);
    if (nameIndex === 0) this.#string(name, output);
    this.#string(value, output);
    if (add) this.#insert(slot, name, value);
  }

  #slot(name: string, id: number): NameSlot {
    const known = id > 0 ? this.#byId[id] : this.#byName.get(name);
    if (known !== undefined) return known;
    const slot = new NameSlot(name, id);
    if (id > 0) {
      this.#byId[id] = slot;
    } else {
      // Names come from traffic, so their number is bounded; forgetting a slot only costs compression.
      if (this.#byName.size >= 256) this.#byName.clear();
      this.#byName.set(name, slot);
    }
    return slot;
  }

  #staticIndex(slot: NameSlot, name: string, value: string): number {
    if (slot.staticValue !== value) {
      slot.staticValue = value;
      slot.staticValueIndex = staticIndexOf(name, value);
    }
    return slot.staticValueIndex;
  }

  /** Entries that take a large part of the table push out too much. */
  #fits(name: string, value: string): boolean {
    return name.length + value.length + 32 <= this.#capacity * 0.75;
  }

  #insert(slot: NameSlot, name: string, value: string): void {
    const size = name.length + value.length + 32;
    this.#evictTo(this.#capacity - size);
    slot.values[slot.next] = value;
    slot.inserted[slot.next] = this.#insertions;
    slot.next = (slot.next + 1) % VALUES_PER_NAME;
    slot.waste++;
    this.#insertions++;
    this.#sizes.push(size);
    this.#size += size;
  }

  #evictTo(size: number): void {
    while (this.#size > size) {
      this.#size -= this.#sizes.shift() ?? 0;
      this.#evicted++;
    }
  }

  #string(text: string, output: OutputBuffer): void {
    const n = text.length;
    if (this.#huffman) {
      const coded = huffmanLength(text);
      if (coded < n) {
        writeInteger(0x80, 7, coded, output);
        const at = output.reserve(coded);
        encodeHuffman(text, output.bytes, at);
        output.commit(coded);
        return;
      }
    }
    writeInteger(0, 7, n, output);
    const at = output.reserve(n);
    writeLatin1(text, output.bytes, at);
    output.commit(n);
  }
}

/** Writes an integer with `prefixBits` in its first byte, the rest of which is `pattern`. Source: RFC 7541 5.1. */
function writeInteger(pattern: number, prefixBits: number, value: number, output: OutputBuffer): void {
  let at = output.reserve(6);
  const bytes = output.bytes;
  const start = at;
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    bytes[at++] = pattern | value;
  } else {
    bytes[at++] = pattern | mask;
    let rest = value - mask;
    for (; rest >= 128; rest >>>= 7) bytes[at++] = (rest & 127) | 128;
    bytes[at++] = rest;
  }
  output.commit(at - start);
}

export function createHpackEncoder(options: HpackEncoderOptions = {}): HpackEncoder {
  return new Encoder(options);
}
