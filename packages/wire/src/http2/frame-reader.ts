// Hot path: cuts the byte stream into frames.
import { DATA, FLAG_PADDED, FRAME_HEADER_BYTES, PREFACE } from "./frame.ts";

/** Takes frames as they arrive. */
export interface FrameSink {
  /** A frame begins; false stops reading for good (the sink has failed the connection). */
  onFrameHeader(type: number, flags: number, id: number, length: number): boolean;
  /** The whole payload of any frame but DATA. */
  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void;
  /** A part of a DATA frame's payload without padding; `last` with its final part, which may be empty. */
  onDataPart(flags: number, id: number, bytes: Buffer, start: number, end: number, last: boolean): void;
  onBadPreface(): void;
  /** Padding longer than its frame. */
  onBadPadding(id: number): void;
}

const IN_PREFACE = 0;
const IN_HEADER = 1;
const IN_PAYLOAD = 2;
const IN_DATA = 3;
const STOPPED = 4;

/**
 * DATA is passed on as it arrives; all other frames are gathered whole, which is at most one frame of the size that we allow.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  #state: number;
  /** Bytes of the preface or of a frame header seen so far. */
  #seen = 0;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #type = 0;
  #flags = 0;
  #id = 0;
  /** Payload bytes still to come. */
  #left = 0;
  /** DATA: padding at the end; -1 while its length byte has not been read. */
  #padding = 0;
  #gathered: Buffer | null = null;
  #gatheredBytes = 0;

  constructor(sink: FrameSink, expectPreface: boolean) {
    this.#sink = sink;
    this.#state = expectPreface ? IN_PREFACE : IN_HEADER;
  }

  /** The preface or a frame has begun and is incomplete. */
  get midFrame(): boolean {
    return this.#seen > 0 || this.#state === IN_PAYLOAD || this.#state === IN_DATA;
  }

  stop(): void {
    this.#state = STOPPED;
    this.#gathered = null;
  }

  receive(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case IN_PREFACE:
          if (bytes[at] !== PREFACE[this.#seen]) {
            this.stop();
            this.#sink.onBadPreface();
            return;
          }
          at++;
          this.#seen++;
          if (this.#seen === PREFACE.length) {
            this.#seen = 0;
            this.#state = IN_HEADER;
          }
          break;
        case IN_HEADER:
          at = this.#readHeader(bytes, at, end);
          break;
        case IN_DATA:
          at = this.#readData(bytes, at, end);
          break;
        case IN_PAYLOAD:
          at = this.#readPayload(bytes, at, end);
          break;
        default:
          return;
      }
    }
  }

  #readHeader(bytes: Buffer, at: number, end: number): number {
    if (this.#seen === 0 && end - at >= FRAME_HEADER_BYTES) {
      this.#begin(bytes, at);
      return at + FRAME_HEADER_BYTES;
    }
    const take = Math.min(FRAME_HEADER_BYTES - this.#seen, end - at);
    bytes.copy(this.#header, this.#seen, at, at + take);
    this.#seen += take;
    if (this.#seen === FRAME_HEADER_BYTES) {
      this.#seen = 0;
      this.#begin(this.#header, 0);
    }
    return at + take;
  }

  #begin(bytes: Buffer, at: number): void {
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    this.#type = bytes[at + 3] ?? 0;
    this.#flags = bytes[at + 4] ?? 0;
    this.#id =
      (((bytes[at + 5] ?? 0) & 127) << 24) |
      ((bytes[at + 6] ?? 0) << 16) |
      ((bytes[at + 7] ?? 0) << 8) |
      (bytes[at + 8] ?? 0);
    this.#left = length;
    if (!this.#sink.onFrameHeader(this.#type, this.#flags, this.#id, length)) {
      this.stop();
      return;
    }
    if (this.#state === STOPPED) return;
    if (this.#type === DATA) {
      this.#padding = (this.#flags & FLAG_PADDED) !== 0 ? -1 : 0;
      this.#state = IN_DATA;
      if (length === 0) {
        this.#state = IN_HEADER;
        if (this.#padding < 0) this.#sink.onBadPadding(this.#id);
        else this.#sink.onDataPart(this.#flags, this.#id, bytes, 0, 0, true);
      }
    } else {
      this.#state = IN_PAYLOAD;
      if (length === 0) this.#finish(bytes, 0, 0);
    }
  }

  #readPayload(bytes: Buffer, at: number, end: number): number {
    const length = this.#left;
    if (this.#gathered === null && end - at >= length) {
      this.#finish(bytes, at, at + length);
      return at + length;
    }
    this.#gathered ??= Buffer.allocUnsafeSlow(length);
    const take = Math.min(length - this.#gatheredBytes, end - at);
    bytes.copy(this.#gathered, this.#gatheredBytes, at, at + take);
    this.#gatheredBytes += take;
    if (this.#gatheredBytes === length) {
      const whole = this.#gathered;
      this.#gathered = null;
      this.#gatheredBytes = 0;
      this.#finish(whole, 0, length);
    }
    return at + take;
  }

  #finish(bytes: Buffer, start: number, end: number): void {
    this.#state = IN_HEADER;
    this.#sink.onFrame(this.#type, this.#flags, this.#id, bytes, start, end);
  }

  #readData(bytes: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#padding < 0) {
      this.#padding = bytes[at] ?? 0;
      this.#left--;
      at++;
      if (this.#padding > this.#left) {
        this.stop();
        this.#sink.onBadPadding(this.#id);
        return end;
      }
    }
    const body = Math.max(0, Math.min(this.#left - this.#padding, end - at));
    const bodyEnd = at + body;
    this.#left -= body;
    const bodyDone = this.#left === this.#padding;
    const skip = bodyDone ? Math.min(this.#left, end - bodyEnd) : 0;
    this.#left -= skip;
    if (bodyDone) this.#padding = this.#left;
    const last = this.#left === 0;
    if (last) this.#state = IN_HEADER;
    if (body > 0 || last) this.#sink.onDataPart(this.#flags, this.#id, bytes, at, bodyEnd, last);
    return bodyEnd + skip;
  }
}
