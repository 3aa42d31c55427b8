// Hot path: one per HTTP/2 connection that we opened.
import { wireFailure } from "../http/failure.ts";
import { asFlat, createFlatHeaderList } from "../http/flat-header-list.ts";
import type { Http2Options } from "../http/http-options.ts";
import { createRequestHead, HTTP_2, type RequestHead } from "../http/message-head.ts";
import type { ClientConnection, ClientHost, HttpStream, Pings, StreamHandler } from "../http/stream.ts";
import type { OutputBuffer } from "../output-buffer.ts";
import { Http2Core, type Http2Role } from "./core.ts";
import * as code from "./error-code.ts";
import { RESPONSE_FIELDS, TRAILER_FIELDS } from "./field-collector.ts";
import { writeGoaway } from "./frame.ts";
import { ResponseHeadPool } from "./head-pool.ts";
import { Http2Stream } from "./stream.ts";

/** Above this the ids run out soon: no new streams. */
const LAST_ID = 0x7ffffff0;
/** The caller keeps its own head; streams of clients share this one, which nobody reads. */
const UNUSED_REQUEST: RequestHead = Object.freeze(createRequestHead());

class Http2ClientConnection implements ClientConnection, Http2Role {
  readonly version = HTTP_2;
  readonly isServer = false;
  readonly #core: Http2Core;
  readonly #host: ClientHost;
  readonly #heads = new ResponseHeadPool();
  readonly #trailers = createFlatHeaderList();
  readonly #maxStreams: number;
  #nextId = 1;
  /** No new streams: GOAWAY in either direction. */
  #draining = false;
  #hadCapacity = true;

  constructor(options: Http2Options, host: ClientHost) {
    this.#host = host;
    this.#maxStreams = options.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
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

  get capacity(): number {
    if (this.#draining || this.#core.shouldClose || this.#nextId > LAST_ID) return 0;
    return Math.max(0, Math.min(this.#core.peer.maxConcurrentStreams, this.#maxStreams) - this.#core.streams.size);
  }

  get supportsUpgrade(): boolean {
    return this.#core.peer.connectProtocol;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#core.receive(bytes, start, end);
  }

  receiveEnd(): void {
    this.abort("the server closed the connection");
  }

  abort(message: string): void {
    // Who hears that a request was not sent may send it elsewhere: it must not go out here after that.
    this.#core.output.clear();
    this.#core.abort(message);
    this.#tellCapacity();
  }

  drained(): void {
    this.#core.drained();
  }

  shutdown(): void {
    if (this.#draining || this.#core.shouldClose) return;
    this.#draining = true;
    writeGoaway(this.#core.output, 0, code.NO_ERROR, "");
    this.#core.flushSoon();
    this.#tellCapacity();
    if (this.#core.streams.size === 0) this.#core.close();
  }

  request(head: RequestHead, endStream: boolean, handler: StreamHandler): HttpStream {
    if (this.capacity === 0) throw new Error("the HTTP/2 connection takes no more streams");
    const core = this.#core;
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new Http2Stream(
      core,
      id,
      UNUSED_REQUEST,
      this.#heads.take(),
      core.peer.initialWindow,
      core.streamWindow,
    );
    stream.handler = handler;
    stream.extendedConnect = head.protocol !== "";
    core.streams.add(stream);
    stream.startsAt = core.output.taken + core.output.length;
    this.#writeHead(head, stream, endStream);
    if (endStream) {
      stream.sendClosed = true;
      stream.sendDone = true;
    }
    if (this.capacity === 0) this.#hadCapacity = false;
    core.flushSoon();
    return stream;
  }

  onShutdownPong(): void {}

  onGoaway(lastStreamId: number, errorCode: number): void {
    this.#draining = true;
    const failure = wireFailure("refused", `the server is going away (${code.errorCodeName(errorCode)})`, {
      h2Code: code.REFUSED_STREAM,
    });
    for (const stream of this.#core.streams.snapshot()) {
      if (stream.id > lastStreamId) this.#core.endStream(stream, failure);
    }
    this.#tellCapacity();
    if (this.#core.streams.size === 0) this.#core.close();
  }

  onPeerSettings(): void {
    this.#tellCapacity();
  }

  onStreamClosed(stream: Http2Stream): void {
    if (stream.response !== null) this.#heads.give(stream.response);
    if (this.#draining && this.#core.streams.size === 0) this.#core.close();
    this.#tellCapacity();
  }

  isIdle(id: number): boolean {
    return (id & 1) === 0 || id >= this.#nextId;
  }

  onHeaderBlock(
    id: number,
    stream: Http2Stream | undefined,
    bytes: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    if (this.isIdle(id)) {
      this.#core.fail(code.PROTOCOL_ERROR, "HEADERS on a stream that was not opened");
    } else if (stream === undefined || stream.response === null) {
      // Closed or reset by us: only the compression state matters.
      this.#core.collector.begin(TRAILER_FIELDS, null);
      if (this.#core.blocks.decode(bytes, start, end)) this.#core.chargeLate();
    } else if (stream.headDone) {
      this.#onTrailers(stream, bytes, start, end, endStream);
    } else {
      this.#onResponse(stream, bytes, start, end, endStream);
    }
  }

  #onResponse(stream: Http2Stream, bytes: Buffer, start: number, end: number, endStream: boolean): void {
    const core = this.#core;
    const { collector } = core;
    const head = stream.response;
    if (head === null) return;
    head.headers.clear();
    collector.begin(RESPONSE_FIELDS, asFlat(head.headers));
    if (!core.blocks.decode(bytes, start, end)) return;
    stream.plainBytesIn += collector.plainBytes;
    collector.finishResponse(head);
    if (stream.receiveClosed) {
      core.failStream(stream, code.STREAM_CLOSED, "HEADERS behind END_STREAM");
      return;
    }
    if (collector.tooLarge) {
      core.failStream(stream, code.ENHANCE_YOUR_CALM, "the response's headers are larger than the limit");
      return;
    }
    if (head.status < 200 && endStream && collector.malformed === "")
      collector.malformed = "an interim response that ends";
    if (collector.malformed !== "") {
      core.failStream(stream, code.PROTOCOL_ERROR, `malformed response: ${collector.malformed}`);
      return;
    }
    if (head.status < 200) {
      if (core.charge("interim responses")) stream.handler.onInformational(stream, head);
      return;
    }
    stream.headDone = true;
    stream.receiveClosed = endStream;
    // A response to HEAD, and 304, have the length of a body that does not come.
    if (!endStream) stream.expectedBytes = collector.contentLength;
    if (stream.extendedConnect && head.status < 300) head.status = 101;
    stream.handler.onHead(stream, head, endStream);
    core.closeIfDone(stream);
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
    else {
      stream.receiveClosed = true;
      stream.handler.onTrailers(stream, trailers);
      core.closeIfDone(stream);
    }
    trailers.clear();
  }

  #writeHead(head: RequestHead, stream: Http2Stream, endStream: boolean): void {
    const { blocks, output } = this.#core;
    const { encoder } = blocks;
    const connect = head.method === "CONNECT";
    blocks.beginWrite();
    encoder.field(":method", head.protocol === "" ? head.method : "CONNECT", 0, output);
    if (!connect) {
      encoder.field(":scheme", head.scheme, 0, output);
      encoder.field(":path", head.path, 0, output);
    }
    if (head.protocol !== "") encoder.field(":protocol", head.protocol, 0, output);
    if (head.authority !== "") encoder.field(":authority", head.authority, 0, output);
    encoder.list(head.headers, output);
    blocks.endWrite(stream, endStream);
  }

  #tellCapacity(): void {
    const has = this.capacity > 0;
    if (has === this.#hadCapacity) return;
    this.#hadCapacity = has;
    this.#host.onCapacity(this);
  }
}

/** An HTTP/2 client connection; `output` holds preface and SETTINGS from the start. It is sans I/O: README.md says how to bind a socket. */
export function createHttp2Client(options: Http2Options, host: ClientHost): ClientConnection {
  return new Http2ClientConnection(options, host);
}
