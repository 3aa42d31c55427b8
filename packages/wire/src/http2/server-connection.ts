// Hot path: one per HTTP/2 connection that we accepted.
import { wireFailure } from "../http/failure.ts";
import { asFlat, createFlatHeaderList } from "../http/flat-header-list.ts";
import type { Http2Options } from "../http/http-options.ts";
import { createResponseHead, HTTP_2 } from "../http/message-head.ts";
import type { ConnectionHost, HttpConnection, Pings, ServerHandler } from "../http/stream.ts";
import type { OutputBuffer } from "../output-buffer.ts";
import { SHUTDOWN_PING } from "./control-frames.ts";
import { Http2Core, type Http2Role } from "./core.ts";
import * as code from "./error-code.ts";
import { REQUEST_FIELDS, TRAILER_FIELDS } from "./field-collector.ts";
import { FRAME_HEADER_BYTES, MAX_WINDOW, writeGoaway, writePing } from "./frame.ts";
import { RequestHeadPool } from "./head-pool.ts";
import { Http2Stream } from "./stream.ts";

class Http2ServerConnection implements HttpConnection, Http2Role {
  readonly version = HTTP_2;
  readonly isServer = true;
  readonly #core: Http2Core;
  readonly #handler: ServerHandler;
  readonly #maxStreams: number;
  readonly #connectProtocol: boolean;
  readonly #heads = new RequestHeadPool();
  readonly #trailers = createFlatHeaderList();
  #shuttingDown = false;
  /** The final GOAWAY was sent: streams above `#lastAccepted` are ignored. */
  #finalGoaway = false;

  constructor(options: Http2Options, host: ConnectionHost, handler: ServerHandler) {
    this.#handler = handler;
    this.#maxStreams = options.maxConcurrentStreams ?? 100;
    this.#connectProtocol = options.connectProtocol ?? true;
    this.#core = new Http2Core(options, host, this, this);
  }

  get output(): OutputBuffer {
    return this.#core.output;
  }

  get shouldClose(): boolean {
    return this.#core.shouldClose;
  }

  get activeStreams(): number {
    return this.#core.streams.size;
  }

  get pings(): Pings {
    return this.#core;
  }

  get headPending(): boolean {
    return this.#core.headPending;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#core.receive(bytes, start, end);
  }

  receiveEnd(): void {
    this.#core.receiveEnd();
  }

  abort(message: string): void {
    this.#core.abort(message);
  }

  drained(): void {
    this.#core.drained();
  }

  /** First a GOAWAY that refuses nothing and a PING; when that is answered, one that names the last stream. Source: RFC 9113 6.8. */
  shutdown(): void {
    if (this.#shuttingDown || this.#core.shouldClose) return;
    this.#shuttingDown = true;
    writeGoaway(this.#core.output, MAX_WINDOW, code.NO_ERROR, "");
    writePing(this.#core.output, false, SHUTDOWN_PING, 0);
    this.#core.flushSoon();
  }

  onShutdownPong(): void {
    if (!this.#shuttingDown || this.#finalGoaway) return;
    this.#finalGoaway = true;
    writeGoaway(this.#core.output, this.#core.blocks.lastPeerStreamId, code.NO_ERROR, "");
    if (this.#core.streams.size === 0) this.#core.close();
  }

  onGoaway(): void {
    // The client will open no more streams; it closes when it has its answers.
  }

  onPeerSettings(): void {}

  onStreamClosed(stream: Http2Stream): void {
    this.#heads.give(stream.request);
    if (this.#finalGoaway && this.#core.streams.size === 0) this.#core.close();
  }

  isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.#core.blocks.lastPeerStreamId;
  }

  onHeaderBlock(
    id: number,
    stream: Http2Stream | undefined,
    bytes: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    const { blocks } = this.#core;
    if (stream !== undefined) this.#onTrailers(stream, bytes, start, end, endStream);
    else if ((id & 1) === 0) this.#core.fail(code.PROTOCOL_ERROR, "a client used an even stream id");
    else if (id > blocks.lastPeerStreamId) this.#onRequest(id, bytes, start, end, endStream);
    else if (this.#core.wasReset(id)) {
      if (this.#ignore(bytes, start, end)) this.#core.chargeLate();
    } else this.#core.fail(code.STREAM_CLOSED, "HEADERS on a closed stream");
  }

  #onRequest(id: number, bytes: Buffer, start: number, end: number, endStream: boolean): void {
    const core = this.#core;
    core.blocks.lastPeerStreamId = id;
    if (this.#finalGoaway) {
      this.#ignore(bytes, start, end);
      return;
    }
    if (core.streams.size >= this.#maxStreams) {
      if (this.#ignore(bytes, start, end) && core.charge("streams above the limit")) {
        core.writeReset(id, code.REFUSED_STREAM);
      }
      return;
    }
    const request = this.#heads.take();
    const { collector } = core;
    collector.begin(REQUEST_FIELDS, asFlat(request.headers));
    if (!core.blocks.decode(bytes, start, end)) return;
    collector.finishRequest(request);
    const stream = new Http2Stream(core, id, request, null, core.peer.initialWindow, core.streamWindow);
    core.streams.add(stream);
    stream.headerBytesIn = FRAME_HEADER_BYTES + end - start;
    stream.plainBytesIn = collector.plainBytes;
    if (!this.#check(stream, endStream)) return;
    stream.expectedBytes = collector.contentLength;
    stream.receiveClosed = endStream;
    this.#handler.onRequest(stream, endStream, collector.expectContinue);
    core.closeIfDone(stream);
  }

  /** Refuses what the collector found wrong. */
  #check(stream: Http2Stream, endStream: boolean): boolean {
    const core = this.#core;
    const { collector } = core;
    if (collector.tooLarge) {
      const head = createResponseHead();
      head.status = 431;
      core.writeResponseHead(stream, head, true);
      if (!endStream) core.writeReset(stream.id, code.NO_ERROR);
      core.endStream(stream, wireFailure("limit", "the request's headers are larger than the limit", { status: 431 }));
      return false;
    }
    if (collector.malformed === "" && endStream && collector.contentLength > 0) {
      collector.malformed = "a content-length without a body";
    }
    const { protocol } = stream.request;
    if (collector.malformed === "" && protocol !== "" && !this.#connectProtocol) {
      collector.malformed = "extended CONNECT, which we have not offered";
    }
    if (collector.malformed !== "") {
      core.failStream(stream, code.PROTOCOL_ERROR, `malformed request: ${collector.malformed}`);
      return false;
    }
    stream.extendedConnect = protocol !== "";
    return true;
  }

  #onTrailers(stream: Http2Stream, bytes: Buffer, start: number, end: number, endStream: boolean): void {
    const core = this.#core;
    const trailers = this.#trailers;
    trailers.clear();
    core.collector.begin(TRAILER_FIELDS, trailers);
    if (!core.blocks.decode(bytes, start, end)) return;
    stream.plainBytesIn += core.collector.plainBytes;
    if (stream.receiveClosed) core.failStream(stream, code.STREAM_CLOSED, "HEADERS behind END_STREAM");
    else if (!endStream) core.failStream(stream, code.PROTOCOL_ERROR, "trailers without END_STREAM");
    else if (core.collector.malformed !== "") core.failStream(stream, code.PROTOCOL_ERROR, core.collector.malformed);
    else if (core.collector.tooLarge) core.failStream(stream, code.ENHANCE_YOUR_CALM, "trailers larger than the limit");
    else if (stream.expectedBytes >= 0 && stream.receivedBytes !== stream.expectedBytes) {
      core.failStream(stream, code.PROTOCOL_ERROR, "the body differs from its content-length");
    } else {
      stream.receiveClosed = true;
      stream.handler.onTrailers(stream, trailers);
      core.closeIfDone(stream);
    }
    trailers.clear();
  }

  /** Keeps the compression state right. */
  #ignore(bytes: Buffer, start: number, end: number): boolean {
    this.#core.collector.begin(TRAILER_FIELDS, null);
    return this.#core.blocks.decode(bytes, start, end);
  }
}

/** An HTTP/2 server connection; `output` holds its SETTINGS from the start. It is sans I/O: README.md says how to bind a socket. */
export function createHttp2Server(options: Http2Options, host: ConnectionHost, handler: ServerHandler): HttpConnection {
  return new Http2ServerConnection(options, host, handler);
}
