// Hot path: once per piece of a body.
import type { HeaderList } from "../http/header-list.ts";
import type { OutputBuffer } from "../output-buffer.ts";
import { writeEmptyLine, writeHeaders } from "./header-writer.ts";

/** No body may follow; bytes are dropped (answers to HEAD, 204, 304). */
export const SEND_NONE = 0;
export const SEND_LENGTH = 1;
export const SEND_CHUNKED = 2;
/** Bytes as they are: HTTP/1.0 responses without length, and after an upgrade. */
export const SEND_RAW = 3;

const CR = 13;
const LF = 10;
const ZERO = 48;

/** Of the empty line that ends a section of fields. */
export const END_OF_FIELDS = 2;
/** Of what stands around the fields of a trailer section. */
export const AROUND_TRAILERS = 3 + END_OF_FIELDS;

/** Frames outgoing bodies. */
export class BodyWriter {
  mode = SEND_NONE;
  /** Bytes that Content-Length still owes. */
  left = 0;

  begin(mode: number, length: number): void {
    this.mode = mode;
    this.left = length;
  }

  /** Writes a piece; false when the body breaks its Content-Length, after which the connection can only close. */
  write(bytes: Uint8Array, start: number, end: number, last: boolean, output: OutputBuffer): boolean {
    const n = end - start;
    switch (this.mode) {
      case SEND_LENGTH:
        if (n > this.left) return false;
        this.left -= n;
        if (n > 0) output.append(bytes, start, end);
        return !last || this.left === 0;
      case SEND_CHUNKED:
        if (n > 0) {
          writeChunkSize(n, output);
          output.append(bytes, start, end);
          writeEmptyLine(output);
        }
        if (last) writeLastChunk(output);
        return true;
      case SEND_RAW:
        if (n > 0) output.append(bytes, start, end);
        return true;
      default:
        return true;
    }
  }

  /** Ends with trailers where the framing has room for them; false as `write`. */
  writeTrailers(trailers: HeaderList, output: OutputBuffer): boolean {
    if (this.mode === SEND_LENGTH) return this.left === 0;
    if (this.mode !== SEND_CHUNKED) return true;
    const at = output.reserve(3);
    output.bytes[at] = ZERO;
    output.bytes[at + 1] = CR;
    output.bytes[at + 2] = LF;
    output.commit(3);
    writeHeaders(trailers, output);
    writeEmptyLine(output);
    return true;
  }
}

function writeChunkSize(size: number, output: OutputBuffer): void {
  let digits = 1;
  for (let rest = size >>> 4; rest > 0; rest >>>= 4) digits++;
  const at = output.reserve(digits + 2);
  const bytes = output.bytes;
  for (let i = digits - 1, rest = size; i >= 0; i--, rest >>>= 4) {
    const digit = rest & 15;
    bytes[at + i] = digit < 10 ? ZERO + digit : 87 + digit;
  }
  bytes[at + digits] = CR;
  bytes[at + digits + 1] = LF;
  output.commit(digits + 2);
}

function writeLastChunk(output: OutputBuffer): void {
  const at = output.reserve(5);
  const bytes = output.bytes;
  bytes[at] = ZERO;
  bytes[at + 1] = CR;
  bytes[at + 2] = LF;
  bytes[at + 3] = CR;
  bytes[at + 4] = LF;
  output.commit(5);
}
