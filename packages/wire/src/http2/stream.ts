// Hot path: one per request.
import { type HeaderList, headerListOf } from "../http/header-list.ts";
import { IGNORE_STREAM } from "../http/ignore-handler.ts";
import type { RequestHead, ResponseHead } from "../http/message-head.ts";
import type { HttpConnection, ServerStream, StreamHandler } from "../http/stream.ts";
import type { StreamBytes } from "../http/stream-bytes.ts";
import { createOutputBuffer, type OutputBuffer } from "../output-buffer.ts";
import type { Http2Core } from "./core.ts";
import { CANCEL } from "./error-code.ts";

/** One class for both roles: only the head differs. Its states are in LIFECYCLE.md. */
export class Http2Stream implements ServerStream {
  handler: StreamHandler = IGNORE_STREAM;
  readonly id: number;
  readonly request: RequestHead;
  /** Client: where the response head is put; null on servers. */
  readonly response: ResponseHead | null;
  readonly core: Http2Core;

  /** END_STREAM has arrived. */
  receiveClosed = false;
  /** Our caller has ended its message. */
  sendClosed = false;
  /** END_STREAM was written. */
  sendDone = false;
  /** Removed from the table; nothing is sent or reported any more. */
  closed = false;
  /** Server: the final response head was sent. Client: it has arrived. */
  headDone = false;
  /** Opened by extended CONNECT. */
  extendedConnect = false;

  /** Bytes that we may send. May be negative after the peer shrank its initial window. */
  sendWindow: number;
  /** Bytes that the peer may still send. */
  receiveWindow: number;
  /** Received bytes that no WINDOW_UPDATE has given back. */
  owed = 0;
  paused = false;
  /** Content-Length of the peer's message, or -1; and body bytes so far. */
  expectedBytes = -1;
  receivedBytes = 0;
  /** Frames of the stream with their nine bytes: header blocks, DATA. */
  headerBytesIn = 0;
  headerBytesOut = 0;
  dataBytesIn = 0;
  dataBytesOut = 0;
  /** Client: bytes that stood before its head on the connection, which is not sent as long as no more were taken. */
  startsAt = -1;
  /** Names and values before their compression. */
  plainBytesIn = 0;
  plainBytesOut = 0;

  /** Body that waits for a window or for room in the output. */
  queue: OutputBuffer | null = null;
  queuedTrailers: HeaderList | null = null;
  /** In the core's list of waiting streams. */
  waiting = false;
  /** `onDrain` is owed. */
  drainOwed = false;

  constructor(
    core: Http2Core,
    id: number,
    request: RequestHead,
    response: ResponseHead | null,
    sendWindow: number,
    receiveWindow: number,
  ) {
    this.core = core;
    this.id = id;
    this.request = request;
    this.response = response;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  get connection(): HttpConnection {
    return this.core.connection;
  }

  get bufferedBytes(): number {
    return this.queue?.length ?? 0;
  }

  get wireBytes(): StreamBytes {
    return {
      received: this.headerBytesIn + this.dataBytesIn,
      sent: this.headerBytesOut + this.dataBytesOut,
      headersReceived: this.headerBytesIn,
      headersSent: this.headerBytesOut,
      plainHeadersReceived: this.plainBytesIn,
      plainHeadersSent: this.plainBytesOut,
    };
  }

  /** A header block was written. */
  countBlock(frameBytes: number, plainBytes: number): void {
    this.headerBytesOut += frameBytes;
    this.plainBytesOut += plainBytes;
  }

  sendInformational(head: ResponseHead): void {
    if (this.closed || this.headDone || this.sendClosed) return;
    this.core.writeResponseHead(this, head, false);
    this.core.flushSoon();
  }

  sendHead(head: ResponseHead, endStream: boolean): void {
    if (this.closed || this.headDone || this.sendClosed) return;
    this.headDone = true;
    this.core.writeResponseHead(this, head, endStream);
    if (endStream) this.finishSending();
    this.core.flushSoon();
  }

  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (this.closed || this.sendClosed) return true;
    return this.core.sender.send(this, bytes, start, end, endStream);
  }

  sendTrailers(trailers: HeaderList): void {
    if (this.closed || this.sendClosed) return;
    if (this.bufferedBytes > 0) {
      // The caller's list is valid during this call only.
      this.queuedTrailers = headerListOf([]);
      this.queuedTrailers.appendAll(trailers);
      this.sendClosed = true;
      return;
    }
    this.core.writeTrailers(this, trailers);
    this.finishSending();
    this.core.flushSoon();
  }

  reset(h2Code: number = CANCEL): void {
    this.core.resetLocally(this, h2Code);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.core.renewWindow(this);
  }

  /** Body for the queue. */
  enqueue(bytes: Uint8Array, start: number, end: number): void {
    this.queue ??= createOutputBuffer();
    this.queue.append(bytes, start, end);
  }

  /** END_STREAM was written. */
  finishSending(): void {
    this.sendClosed = true;
    this.sendDone = true;
    this.core.closeIfDone(this);
  }
}
