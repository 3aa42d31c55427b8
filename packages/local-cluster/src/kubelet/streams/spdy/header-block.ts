import { constants, createInflate, type Inflate } from "node:zlib";
import { SpdyError } from "./frames.ts";
import { HEADER_DICTIONARY } from "./header-dictionary.ts";

const MAX_PAIRS = 100;
const MAX_BLOCK = 64 * 1024;

export type Headers = ReadonlyMap<string, string>;

/** Reads an uncompressed header block. Errors: undefined while bytes are missing; throws `SpdyError` when it is malformed. */
export function parseHeaderBlock(block: Uint8Array): Headers | undefined {
  const view = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  if (view.length < 4) return undefined;
  const count = view.readUInt32BE(0);
  if (count > MAX_PAIRS) throw new SpdyError(`SPDY header block with ${count} headers`);
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string | undefined => {
    if (view.length < at + 4) return undefined;
    const length = view.readUInt32BE(at);
    if (length > MAX_BLOCK) throw new SpdyError("SPDY header is too long");
    if (view.length < at + 4 + length) return undefined;
    const value = view.toString("utf8", at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  for (let index = 0; index < count; index++) {
    const name = text();
    const value = name === undefined ? undefined : text();
    if (name === undefined || value === undefined) return undefined;
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}

export function formatHeaderBlock(headers: Headers): Uint8Array {
  const number = (value: number): Buffer => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(value);
    return buffer;
  };
  const parts: Buffer[] = [number(headers.size)];
  for (const [name, value] of headers) {
    for (const word of [name, value]) parts.push(number(Buffer.byteLength(word)), Buffer.from(word));
  }
  return Buffer.concat(parts);
}

/** An empty stored block: readers such as Go's hand out what they have only when they see one. */
const FLUSH_MARK = Uint8Array.of(0, 0, 0, 0xff, 0xff);

/**
 * Writes header blocks as a zlib stream of stored blocks: valid for every reader, and the few headers that a server sends are not worth
 * compressing. Source: RFC 1950, RFC 1951 section 3.2.4.
 */
export class HeaderWriter {
  #first = true;

  write(headers: Headers): Uint8Array {
    const block = formatHeaderBlock(headers);
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(block.length, 1);
    stored.writeUInt16LE(~block.length & 0xffff, 3);
    const start = this.#first ? Buffer.from([0x78, 0x01]) : Buffer.alloc(0);
    this.#first = false;
    return Buffer.concat([start, stored, block, FLUSH_MARK]);
  }
}

/** Reads the header blocks of one connection, which share one zlib stream; call it for one block after the other. */
export class HeaderReader {
  readonly #inflate: Inflate;
  #output: Buffer[] = [];
  #error: Error | undefined;

  constructor() {
    const flush = constants.Z_SYNC_FLUSH;
    this.#inflate = createInflate({ dictionary: HEADER_DICTIONARY, flush, finishFlush: flush });
    this.#inflate.on("data", (chunk: Buffer) => this.#output.push(chunk));
    this.#inflate.on("error", (error) => {
      this.#error = error;
    });
  }

  /** Errors: rejects with `SpdyError`. */
  async read(block: Uint8Array): Promise<Headers> {
    await new Promise<void>((resolve) => {
      this.#inflate.once("error", () => resolve());
      this.#inflate.write(block, () => resolve());
    });
    if (this.#error) throw new SpdyError(`SPDY headers cannot be decompressed: ${this.#error.message}`);
    const headers = parseHeaderBlock(Buffer.concat(this.#output));
    if (!headers) throw new SpdyError("SPDY header block is incomplete");
    this.#output = [];
    return headers;
  }

  close(): void {
    this.#inflate.destroy();
  }
}
