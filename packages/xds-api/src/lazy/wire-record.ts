/** A part of an encoded descriptor. Numbers are sorted by field: varints, and the places of what has a length. */
export interface WireRecord {
  /** Last value of a varint field. Default: 0. */
  number(field: number): number;
  has(field: number): boolean;
  /** Last text of a field. Default: "". */
  text(field: number): string;
  /** Records of a repeated message field. */
  records(field: number): WireRecord[];
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** Holds triples of field number, and start and end in the bytes; of varints value and -1. Read when first asked. */
class FlatRecord implements WireRecord {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  #scanned: readonly number[] | undefined;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  get #found(): readonly number[] {
    this.#scanned ??= scan(this.#bytes, this.#start, this.#end);
    return this.#scanned;
  }

  number(field: number): number {
    const at = this.#last(field);
    return at < 0 ? 0 : (this.#found[at + 1] ?? 0);
  }

  has(field: number): boolean {
    return this.#last(field) >= 0;
  }

  text(field: number): string {
    const at = this.#last(field);
    return at < 0 ? "" : this.#bytes.toString("latin1", this.#found[at + 1], this.#found[at + 2]);
  }

  records(field: number): WireRecord[] {
    const found = this.#found;
    const out: WireRecord[] = [];
    for (let i = 0; i < found.length; i += 3) {
      if (found[i] === field) out.push(new FlatRecord(this.#bytes, found[i + 1] ?? 0, found[i + 2] ?? 0));
    }
    return out;
  }

  #last(field: number): number {
    for (let i = this.#found.length - 3; i >= 0; i -= 3) if (this.#found[i] === field) return i;
    return -1;
  }
}

function scan(bytes: Buffer, start: number, end: number): readonly number[] {
  const found: number[] = [];
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      // Descriptors hold 32-bit numbers; the upper half of a negative one says nothing more.
      if (shift < 32) value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const tag = varint();
    const field = tag >>> 3;
    switch (tag & 7) {
      case VARINT:
        found.push(field, varint(), -1);
        break;
      case LENGTH: {
        const length = varint();
        found.push(field, at, at + length);
        at += length;
        break;
      }
      case FIXED64:
        at += 8;
        break;
      case FIXED32:
        at += 4;
        break;
      default:
        throw new Error("the embedded descriptor is damaged; write src/gen anew with generate.ts");
    }
  }
  return found;
}

/** Reads an encoded message of descriptor.proto. Errors: throws when the bytes are no message. */
export function readRecord(bytes: Buffer): WireRecord {
  return new FlatRecord(bytes, 0, bytes.length);
}
