// Hot path: scans every byte of every head once.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import { TARGET_BYTE, TOKEN_LOWER, VALUE_BYTE } from "./char-table.ts";
import { lookUpName } from "./name-lookup.ts";

/** What `feed` says. */
export const HEAD_MORE = 0;
export const HEAD_DONE = 1;
export const HEAD_FAILED = 2;

const LEADING = 0;
const START_LINE = 1;
const LINE_BEGIN = 2;
const NAME = 3;
const BEFORE_VALUE = 4;
const VALUE = 5;
const VALUE_LF = 6;
const END_LF = 7;

const CR = 13;
const LF = 10;
const SP = 32;
const HTAB = 9;
const COLON = 58;

const NO_BYTES = Buffer.alloc(0);

/** Takes each header line as it is complete; may refuse the message by returning a failure. */
export interface HeaderLineSink {
  /** `id` is the known id or 0; offsets are absolute in `bytes`; the head begins at `base`. */
  onHeaderLine(
    id: number,
    bytes: Buffer,
    base: number,
    line: number,
    nameEnd: number,
    value: number,
    valueEnd: number,
    lineEnd: number,
  ): WireFailure | null;
}

/**
 * Reads a start line and header lines from bytes that arrive in any pieces. Bytes of an incomplete head are gathered in
 * one buffer and each is scanned once, however small the pieces are.
 */
export interface HeadParser {
  /** Starts the next head. Without a start line: a trailer section. */
  begin(withStartLine: boolean): void;
  /** Continues with new bytes. */
  feed(bytes: Buffer, start: number, end: number): number;
  /** After HEAD_DONE: the bytes that hold the head; what follows it is in `bytes[position, end)`. */
  readonly bytes: Buffer;
  /** Offset of the head's first byte. */
  readonly base: number;
  readonly position: number;
  readonly end: number;
  /** After HEAD_DONE: the start line is `bytes[startLine, startLineEnd)`. */
  readonly startLine: number;
  readonly startLineEnd: number;
  /** A head has begun and is incomplete. */
  readonly pending: boolean;
  /** Names, values, and three for each line: colon, CR, LF. */
  readonly fieldBytes: number;
  readonly failure: WireFailure | null;
}

class LineParser implements HeadParser {
  bytes: Buffer = NO_BYTES;
  base = 0;
  position = 0;
  end = 0;
  startLine = 0;
  startLineEnd = 0;
  pending = false;
  fieldBytes = 0;
  failure: WireFailure | null = null;
  readonly #sink: HeaderLineSink;
  readonly #maxBytes: number;
  readonly #maxCount: number;
  #state = LEADING;
  #line = 0;
  #nameEnd = 0;
  #value = 0;
  #count = 0;
  /** `bytes` is our own gathering buffer. */
  #gathered = false;

  constructor(sink: HeaderLineSink, maxBytes: number, maxCount: number) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    this.#maxCount = maxCount;
  }

  begin(withStartLine: boolean): void {
    this.#state = withStartLine ? LEADING : LINE_BEGIN;
    this.#count = 0;
    this.#gathered = false;
    this.bytes = NO_BYTES;
    this.base = 0;
    this.position = 0;
    this.end = 0;
    this.pending = false;
    this.fieldBytes = 0;
    this.failure = null;
  }

  feed(bytes: Buffer, start: number, end: number): number {
    if (this.pending) {
      this.#gather(bytes, start, end);
    } else {
      this.bytes = bytes;
      this.base = start;
      this.position = start;
      this.end = end;
    }
    const outcome = this.#scan();
    if (outcome === HEAD_MORE && this.end > this.base) {
      if (!this.pending) this.#gather(bytes, this.end, this.end);
      this.pending = true;
    } else {
      this.pending = false;
    }
    return outcome;
  }

  #scan(): number {
    const bytes = this.bytes;
    // A head may not be larger than this however it arrives, so the scan stops there whatever follows.
    const limit = this.base + this.#maxBytes;
    const end = Math.min(this.end, limit);
    let at = this.position;
    let state = this.#state;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      switch (state) {
        case LEADING:
          // RFC 9112 2.2: empty lines before a request line are skipped.
          if (byte === CR) {
            if (at + 1 >= end) return this.#pause(at, state, end, limit);
            if (bytes[at + 1] !== LF) return this.#fail(`a CR without LF before the start line`);
            at += 2;
            break;
          }
          this.startLine = at;
          state = START_LINE;
          break;
        case START_LINE: {
          while (at < end && (TARGET_BYTE[bytes[at] ?? 0] === 1 || bytes[at] === SP || bytes[at] === 35)) at++;
          if (at >= end) return this.#pause(at, state, end, limit);
          if (bytes[at] !== CR) {
            // Reason phrases may hold tabs; request targets are checked again by their reader.
            if (bytes[at] === HTAB) {
              at++;
              break;
            }
            return this.#fail(`byte 0x${hex(bytes[at])} in the start line`);
          }
          if (at + 1 >= end) return this.#pause(at, state, end, limit);
          if (bytes[at + 1] !== LF) return this.#fail("a CR without LF in the start line");
          this.startLineEnd = at;
          at += 2;
          state = LINE_BEGIN;
          break;
        }
        case LINE_BEGIN:
          this.#line = at;
          if (byte === CR) {
            at++;
            state = END_LF;
            break;
          }
          if (byte === SP || byte === HTAB) return this.#fail("a folded header line (obs-fold)");
          if (this.#count === this.#maxCount) {
            return this.#tooLarge(`more than ${this.#maxCount} header fields`);
          }
          state = NAME;
          break;
        case NAME: {
          while (at < end && TOKEN_LOWER[bytes[at] ?? 0] !== 0) at++;
          if (at >= end) return this.#pause(at, state, end, limit);
          if (bytes[at] !== COLON || at === this.#line) return this.#fail(`byte 0x${hex(bytes[at])} in a header name`);
          this.#nameEnd = at;
          at++;
          state = BEFORE_VALUE;
          break;
        }
        case BEFORE_VALUE:
          if (byte === SP || byte === HTAB) {
            at++;
            break;
          }
          this.#value = at;
          state = VALUE;
          break;
        case VALUE:
          while (at < end && VALUE_BYTE[bytes[at] ?? 0] === 1) at++;
          if (at >= end) return this.#pause(at, state, end, limit);
          if (bytes[at] !== CR) return this.#fail(`byte 0x${hex(bytes[at])} in a header value`);
          at++;
          state = VALUE_LF;
          break;
        case VALUE_LF: {
          if (byte !== LF) return this.#fail("a CR without LF in a header value");
          at++;
          let valueEnd = at - 2;
          while (valueEnd > this.#value && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
          this.#count++;
          this.fieldBytes += this.#nameEnd - this.#line + valueEnd - this.#value + 3;
          const id = lookUpName(bytes, this.#line, this.#nameEnd);
          const refusal = this.#sink.onHeaderLine(
            id,
            bytes,
            this.base,
            this.#line,
            this.#nameEnd,
            this.#value,
            valueEnd,
            at,
          );
          if (refusal !== null) {
            this.failure = refusal;
            return HEAD_FAILED;
          }
          state = LINE_BEGIN;
          break;
        }
        default:
          if (byte !== LF) return this.#fail("a CR without LF at the end of the header section");
          this.position = at + 1;
          this.#state = state;
          return HEAD_DONE;
      }
    }
    return this.#pause(at, state, end, limit);
  }

  #pause(at: number, state: number, end: number, limit: number): number {
    if (end === limit) return this.#tooLarge(`header section larger than ${this.#maxBytes} bytes`);
    this.position = at;
    this.#state = state;
    return HEAD_MORE;
  }

  #fail(what: string): number {
    this.failure = wireFailure("protocol", `malformed HTTP/1 header section: ${what}`, { status: 400, h2Code: 1 });
    return HEAD_FAILED;
  }

  #tooLarge(what: string): number {
    this.failure = wireFailure("limit", `${what}; raise the limit or send less`, { status: 431, h2Code: 11 });
    return HEAD_FAILED;
  }

  /** Moves the incomplete head, and the new bytes behind it, into our own buffer, so that offsets stay valid. */
  #gather(bytes: Buffer, start: number, end: number): void {
    const have = this.end - this.base;
    const need = have + (end - start);
    if (!this.#gathered || this.bytes.length < need) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, need * 2));
      this.bytes.copy(grown, 0, this.base, this.end);
      this.bytes = grown;
      this.position -= this.base;
      this.#line -= this.base;
      this.#nameEnd -= this.base;
      this.#value -= this.base;
      this.startLine -= this.base;
      this.startLineEnd -= this.base;
      this.base = 0;
      this.end = have;
      this.#gathered = true;
    }
    bytes.copy(this.bytes, this.end, start, end);
    this.end += end - start;
  }
}

function hex(byte: number | undefined): string {
  return (byte ?? 0).toString(16).padStart(2, "0");
}

export function createHeadParser(sink: HeaderLineSink, maxBytes: number, maxCount: number): HeadParser {
  return new LineParser(sink, maxBytes, maxCount);
}
