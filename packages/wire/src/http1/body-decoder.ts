// Hot path: once per piece of a body.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import { HEX_VALUE, VALUE_BYTE } from "./char-table.ts";

/** How a body ends. */
export const BODY_NONE = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
/** Until the connection ends: responses without a length, and raw bytes after an upgrade. */
export const BODY_UNTIL_CLOSE = 3;

/** What `step` found. */
export const BODY_MORE = 0;
export const BODY_DATA = 1;
/** The last data, or the end without data (`dataStart === dataEnd`). */
export const BODY_END = 2;
/** Chunked only: the last chunk has passed, a trailer section follows. */
export const BODY_TRAILERS = 3;
export const BODY_FAILED = 4;

const SIZE_FIRST = 0;
const SIZE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;

const CR = 13;
const LF = 10;
const MAX_SIZE_DIGITS = 12;
/** Units: bytes per message. Source: Node's limit after CVE-2024-22019. */
const MAX_EXTENSION_BYTES = 16 * 1024;

/**
 * Takes a body out of the byte stream. Call `step` until it says BODY_MORE; `at` is where the next step starts, and the data of
 * BODY_DATA and BODY_END is `bytes[dataStart, dataEnd)`.
 */
export class BodyDecoder {
  mode = BODY_NONE;
  at = 0;
  dataStart = 0;
  dataEnd = 0;
  failure: WireFailure | null = null;
  /** Bytes left of the body (BODY_LENGTH) or of the current chunk. */
  #left = 0;
  #state = SIZE_FIRST;
  #digits = 0;
  #extensionBytes = 0;

  begin(mode: number, length: number): void {
    this.mode = mode;
    this.#left = mode === BODY_LENGTH ? length : 0;
    this.#state = SIZE_FIRST;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.failure = null;
  }

  step(bytes: Buffer, at: number, end: number): number {
    if (at >= end) {
      this.at = at;
      return BODY_MORE;
    }
    switch (this.mode) {
      case BODY_LENGTH: {
        const take = Math.min(this.#left, end - at);
        this.#left -= take;
        this.dataStart = at;
        this.dataEnd = at + take;
        this.at = at + take;
        return this.#left === 0 ? BODY_END : BODY_DATA;
      }
      case BODY_UNTIL_CLOSE:
        this.dataStart = at;
        this.dataEnd = end;
        this.at = end;
        return BODY_DATA;
      default:
        return this.#chunked(bytes, at, end);
    }
  }

  #chunked(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      switch (this.#state) {
        case SIZE_FIRST:
        case SIZE: {
          const digit = HEX_VALUE[byte] ?? 255;
          if (digit !== 255) {
            if (this.#state === SIZE_FIRST) {
              this.#left = 0;
              this.#digits = 0;
              this.#state = SIZE;
            }
            if (++this.#digits > MAX_SIZE_DIGITS) return this.#fail("a chunk size with too many digits");
            this.#left = this.#left * 16 + digit;
          } else if (this.#state === SIZE_FIRST) {
            return this.#fail("a chunk without a size");
          } else if (byte === CR) {
            this.#state = SIZE_LF;
          } else if (byte === 59 || byte === 32 || byte === 9) {
            this.#state = EXTENSION;
          } else {
            return this.#fail("a chunk size that is not hexadecimal");
          }
          at++;
          break;
        }
        case EXTENSION:
          if (byte === CR) this.#state = SIZE_LF;
          else if (VALUE_BYTE[byte] === 0) return this.#fail("a control character in a chunk extension");
          else if (++this.#extensionBytes > MAX_EXTENSION_BYTES) return this.#fail("chunk extensions over 16 KiB");
          at++;
          break;
        case SIZE_LF:
          if (byte !== LF) return this.#fail("a CR without LF behind a chunk size");
          at++;
          if (this.#left === 0) {
            this.at = at;
            return BODY_TRAILERS;
          }
          this.#state = DATA;
          break;
        case DATA: {
          const take = Math.min(this.#left, end - at);
          this.#left -= take;
          this.dataStart = at;
          this.dataEnd = at + take;
          this.at = at + take;
          if (this.#left === 0) this.#state = DATA_CR;
          return this.#left === 0 && this.#endsHere(bytes, end) ? BODY_END : BODY_DATA;
        }
        case DATA_CR:
          if (byte !== CR) return this.#fail("chunk data longer than its size says");
          at++;
          this.#state = DATA_LF;
          break;
        default:
          if (byte !== LF) return this.#fail("chunk data longer than its size says");
          at++;
          this.#state = SIZE_FIRST;
      }
    }
    this.at = at;
    return BODY_MORE;
  }

  /** Whether exactly the end of the body without trailers follows; saves the handler a second call for most messages. */
  #endsHere(bytes: Buffer, end: number): boolean {
    const at = this.at;
    if (end - at < 7) return false;
    const isEnd =
      bytes[at] === CR &&
      bytes[at + 1] === LF &&
      bytes[at + 2] === 48 &&
      bytes[at + 3] === CR &&
      bytes[at + 4] === LF &&
      bytes[at + 5] === CR &&
      bytes[at + 6] === LF;
    if (isEnd) this.at = at + 7;
    return isEnd;
  }

  #fail(what: string): number {
    this.failure = wireFailure("protocol", `malformed HTTP/1 body: ${what}`, { status: 400, h2Code: 1 });
    return BODY_FAILED;
  }
}
