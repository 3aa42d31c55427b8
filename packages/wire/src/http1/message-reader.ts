// Hot path: one per HTTP/1 connection; turns bytes into heads, body pieces and trailers.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import { createFlatHeaderList, type FlatHeaderList } from "../http/flat-header-list.ts";
import type { HeaderList } from "../http/header-list.ts";
import type { StreamBytes } from "../http/stream-bytes.ts";
import {
  BODY_DATA,
  BODY_END,
  BODY_FAILED,
  BODY_NONE,
  BODY_TRAILERS,
  BODY_UNTIL_CLOSE,
  BodyDecoder,
} from "./body-decoder.ts";
import { FramingFields } from "./framing-fields.ts";
import { createHeadParser, HEAD_DONE, HEAD_MORE, type HeadParser } from "./head-parser.ts";

/** What the reader found; implemented by the server and the client connection. */
export interface MessageSink {
  /** The head is complete; `reader.fields` and the start line are valid. Answer with `startBody`, `expectHead` or nothing (wait). */
  onHeadBytes(bytes: Buffer, startLine: number, startLineEnd: number): void;
  onBody(bytes: Uint8Array, start: number, end: number, last: boolean): void;
  onTrailerList(trailers: HeaderList): void;
  onMalformed(failure: WireFailure): void;
  /** Bytes are held back, or no longer: stop or continue reading. */
  onReadPaused(paused: boolean): void;
  /** The peer's bytes ended between messages. */
  onCleanEnd(): void;
}

const WAIT = 0;
const HEAD = 1;
const BODY = 2;
const TRAILERS = 3;
const STOPPED = 4;

const NO_BYTES = Buffer.alloc(0);

export class MessageReader {
  readonly fields = new FramingFields();
  /** Of the message that is read, so far. */
  #messageBytes = 0;
  /** The part that its fields took: name, colon, value and the end of the line. Source: Envoy counts so. */
  #fieldBytes = 0;
  readonly #sink: MessageSink;
  readonly #parser: HeadParser;
  readonly #body = new BodyDecoder();
  #trailers: FlatHeaderList | null = null;
  #state = WAIT;
  /** Bytes not yet looked at: `#held[#at, #end)`. */
  #held: Buffer = NO_BYTES;
  #at = 0;
  #end = 0;
  #running = false;
  #paused = false;
  #readPaused = false;
  #peerEnded = false;

  constructor(sink: MessageSink, maxHeaderBytes: number, maxHeaderCount: number) {
    this.#sink = sink;
    this.#parser = createHeadParser(this.fields, maxHeaderBytes, maxHeaderCount);
  }

  get headPending(): boolean {
    return this.#parser.pending;
  }

  /** A head, a body whose end is framed, or trailers have begun and are not complete. */
  get midMessage(): boolean {
    switch (this.#state) {
      case HEAD:
        return this.#parser.pending;
      case BODY:
        return this.#body.mode !== BODY_UNTIL_CLOSE;
      default:
        return this.#state === TRAILERS;
    }
  }

  /** Bytes have arrived that belong to no message that was asked for so far. */
  get surplus(): boolean {
    return this.#at < this.#end;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    if (this.#state === STOPPED || start >= end) return;
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#at < this.#end) {
      this.#held = Buffer.concat([this.#held.subarray(this.#at, this.#end), buffer.subarray(start, end)]);
      this.#at = 0;
      this.#end = this.#held.length;
    } else {
      this.#held = buffer;
      this.#at = start;
      this.#end = end;
    }
    this.#run();
  }

  receiveEnd(): void {
    this.#peerEnded = true;
    this.#run();
  }

  /** Of the message that is read, and of the one that was sent for it: HTTP/1 compresses no fields. */
  exchangeBytes(sent: number, headersSent: number): StreamBytes {
    return {
      received: this.#messageBytes,
      sent,
      headersReceived: this.#fieldBytes,
      headersSent,
      plainHeadersReceived: this.#fieldBytes,
      plainHeadersSent: headersSent,
    };
  }

  /** The next bytes are a head whose fields go to `list`. `begins`: a message begins with it; else it follows an interim head. */
  expectHead(list: FlatHeaderList, begins = true): void {
    if (this.#state === STOPPED) return;
    if (begins) {
      this.#messageBytes = 0;
      this.#fieldBytes = 0;
    }
    list.clear();
    this.fields.begin(list, false);
    this.#parser.begin(true);
    this.#state = HEAD;
    // A pause was meant for the message before.
    this.#paused = false;
    this.#run();
  }

  /** The next bytes are a body. With BODY_NONE the reader waits for `expectHead`. */
  startBody(mode: number, length: number): void {
    if (this.#state === STOPPED) return;
    this.#body.begin(mode, length);
    this.#state = mode === BODY_NONE ? WAIT : BODY;
    this.#run();
  }

  pause(): void {
    this.#paused = true;
    this.#updateReadPaused();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#run();
  }

  /** Drops everything that arrives from now on. */
  stop(): void {
    this.#state = STOPPED;
    this.#held = NO_BYTES;
    this.#at = 0;
    this.#end = 0;
    this.#paused = false;
    this.#updateReadPaused();
  }

  #run(): void {
    // The sink may call back into the reader; then the loop below simply goes on with the new state.
    if (this.#running) return;
    this.#running = true;
    while (this.#at < this.#end && !this.#paused && this.#state !== WAIT && this.#state !== STOPPED) {
      if (this.#state === BODY) this.#stepBody();
      else this.#stepHead();
    }
    this.#running = false;
    if (this.#at >= this.#end) {
      this.#held = NO_BYTES;
      if (this.#peerEnded && !this.#paused) this.#finishInput();
    }
    this.#updateReadPaused();
  }

  #stepHead(): void {
    const parser = this.#parser;
    const outcome = parser.feed(this.#held, this.#at, this.#end);
    if (outcome === HEAD_MORE) {
      this.#at = this.#end;
      return;
    }
    if (outcome !== HEAD_DONE) {
      this.#malformed(parser.failure);
      return;
    }
    this.#held = parser.bytes;
    this.#at = parser.position;
    this.#end = parser.end;
    this.#messageBytes += parser.position - parser.base;
    this.#fieldBytes += parser.fieldBytes;
    this.fields.list.setSource(parser.bytes, parser.base, parser.position);
    if (this.#state === TRAILERS) {
      this.#state = WAIT;
      const trailers = this.fields.list;
      if (trailers.size === 0) this.#sink.onBody(NO_BYTES, 0, 0, true);
      else this.#sink.onTrailerList(trailers);
      trailers.clear();
      return;
    }
    this.#state = WAIT;
    this.#sink.onHeadBytes(parser.bytes, parser.startLine, parser.startLineEnd);
  }

  #stepBody(): void {
    const body = this.#body;
    const bytes = this.#held;
    const found = body.step(bytes, this.#at, this.#end);
    this.#messageBytes += body.at - this.#at;
    this.#at = body.at;
    switch (found) {
      case BODY_DATA:
        this.#sink.onBody(bytes, body.dataStart, body.dataEnd, false);
        break;
      case BODY_END:
        this.#state = WAIT;
        this.#sink.onBody(bytes, body.dataStart, body.dataEnd, true);
        break;
      case BODY_TRAILERS:
        this.#trailers ??= createFlatHeaderList();
        this.#trailers.clear();
        this.fields.begin(this.#trailers, true);
        this.#parser.begin(false);
        this.#state = TRAILERS;
        break;
      case BODY_FAILED:
        this.#malformed(body.failure);
        break;
      default:
        this.#at = this.#end;
    }
  }

  #finishInput(): void {
    const state = this.#state;
    if (state === STOPPED) return;
    this.#peerEnded = false;
    if (state === BODY && this.#body.mode === BODY_UNTIL_CLOSE) {
      this.#state = WAIT;
      this.#sink.onBody(NO_BYTES, 0, 0, true);
    } else if (!this.midMessage) {
      this.#sink.onCleanEnd();
    } else {
      const what = state === HEAD ? "header section" : "body";
      this.#malformed(
        wireFailure("connection-closed", `the peer closed the connection in the middle of a ${what}`, { h2Code: 8 }),
      );
    }
  }

  #malformed(failure: WireFailure | null): void {
    this.stop();
    this.#sink.onMalformed(failure ?? wireFailure("protocol", "malformed HTTP/1 message", { status: 400, h2Code: 1 }));
  }

  #updateReadPaused(): void {
    const paused = this.#paused || this.#at < this.#end;
    if (paused === this.#readPaused || this.#running) return;
    this.#readPaused = paused;
    this.#sink.onReadPaused(paused);
  }
}
