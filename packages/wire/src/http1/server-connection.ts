// Hot path: one per HTTP/1 connection that we accepted.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import { createFlatHeaderList, type FlatHeaderList } from "../http/flat-header-list.ts";
import { HEADER_ID } from "../http/header-id.ts";
import type { HeaderList } from "../http/header-list.ts";
import {
  DEFAULT_HIGH_WATER_BYTES,
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_HEADER_COUNT,
  type HttpOptions,
} from "../http/http-options.ts";
import { createRequestHead, HTTP_1_0, HTTP_1_1, type RequestHead, type ResponseHead } from "../http/message-head.ts";
import type { ConnectionHost, HttpConnection, ServerHandler } from "../http/stream.ts";
import { createOutputBuffer, type OutputBuffer } from "../output-buffer.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_UNTIL_CLOSE } from "./body-decoder.ts";
import { BodyWriter, SEND_CHUNKED, SEND_LENGTH, SEND_NONE, SEND_RAW } from "./body-writer.ts";
import { writeBytes, writeEmptyLine, writeHeader, writeHeaders } from "./header-writer.ts";
import { MessageReader, type MessageSink } from "./message-reader.ts";
import { readRequestLine } from "./request-line.ts";
import { Http1ServerStream } from "./server-stream.ts";
import { writeStatusLine } from "./start-line-writer.ts";

const CONTENT_LENGTH = HEADER_ID["content-length"];
const CONNECTION_CLOSE = Buffer.from("connection: close\r\n");
const CONNECTION_KEEP_ALIVE = Buffer.from("connection: keep-alive\r\n");
const CONNECTION_UPGRADE = Buffer.from("connection: Upgrade\r\n");
const TRANSFER_CHUNKED = Buffer.from("transfer-encoding: chunked\r\n");
const LENGTH_ZERO = Buffer.from("content-length: 0\r\n");

/** States are those of its one stream; see LIFECYCLE.md. */
export class Http1ServerConnection implements HttpConnection, MessageSink {
  readonly version = HTTP_1_1;
  readonly output: OutputBuffer = createOutputBuffer();
  readonly writer = new BodyWriter();
  readonly reader: MessageReader;
  shouldClose = false;
  readonly #host: ConnectionHost;
  readonly #handler: ServerHandler;
  readonly #scheme: "http" | "https";
  readonly #highWater: number;
  readonly #acceptHttp10: boolean;
  /** Reused for every request: the exchange before is closed when the next head is read. */
  readonly #request: RequestHead = createRequestHead();
  readonly #requestHeaders: FlatHeaderList;
  #stream: Http1ServerStream | null = null;
  #nextId = 1;
  /** Whether another request may follow the current one. */
  #keepAlive = true;
  #shuttingDown = false;
  #flushWanted = false;

  constructor(options: HttpOptions, host: ConnectionHost, handler: ServerHandler) {
    this.#host = host;
    this.#handler = handler;
    this.#scheme = options.scheme ?? "http";
    this.#highWater = options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES;
    this.#acceptHttp10 = options.acceptHttp10 ?? true;
    this.#requestHeaders = createFlatHeaderList();
    this.#request.headers = this.#requestHeaders;
    this.reader = new MessageReader(
      this,
      options.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES,
      options.maxHeaderCount ?? DEFAULT_MAX_HEADER_COUNT,
    );
    this.reader.expectHead(this.#requestHeaders);
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  get headPending(): boolean {
    return this.reader.headPending;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.reader.receive(bytes, start, end);
  }

  receiveEnd(): void {
    this.reader.receiveEnd();
  }

  abort(message: string): void {
    const failure = wireFailure("connection-closed", message, { h2Code: 8 });
    // Of a request that was never complete nobody else hears.
    if (this.#stream === null && this.headPending && !this.shouldClose) this.#host.onFailure(this, failure);
    this.reader.stop();
    this.#end(failure);
  }

  drained(): void {
    if (this.output.length === 0) this.#flushWanted = false;
    const stream = this.#stream;
    if (stream?.waitsForRoom && this.output.length <= this.#highWater >> 1) {
      stream.waitsForRoom = false;
      stream.handler.onDrain(stream);
    }
  }

  shutdown(): void {
    this.#shuttingDown = true;
    this.#keepAlive = false;
    if (this.#stream === null && !this.headPending) this.close();
  }

  onHeadBytes(bytes: Buffer, startLine: number, startLineEnd: number): void {
    const fields = this.reader.fields;
    const request = this.#request;
    request.authority = "";
    request.scheme = this.#scheme;
    const failure =
      readRequestLine(bytes, startLine, startLineEnd, request) ??
      fields.finish(request.version === HTTP_1_0) ??
      this.#checkHost(request);
    if (failure !== null) {
      this.reader.stop();
      this.onMalformed(failure);
      return;
    }
    const hasBody = fields.chunked || fields.contentLength > 0;
    const connect = request.method === "CONNECT";
    request.protocol = hasBody || connect || request.version === HTTP_1_0 ? "" : fields.upgrade;
    const mayUpgrade = connect || request.protocol !== "";
    this.#keepAlive = !this.#shuttingDown && !fields.close && (request.version === HTTP_1_1 || fields.keepAlive);
    const stream = new Http1ServerStream(this, request, this.#nextId++, mayUpgrade);
    this.#stream = stream;
    stream.receiveClosed = !hasBody && !mayUpgrade;
    // A body or tunnel bytes are read only after the handler knows of the request.
    const { chunked, contentLength } = fields;
    this.#handler.onRequest(stream, stream.receiveClosed, fields.expectContinue);
    if (this.#stream !== stream) return;
    if (hasBody && !stream.receiveClosed) {
      this.reader.startBody(chunked ? BODY_CHUNKED : BODY_LENGTH, contentLength);
    }
  }

  onBody(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const stream = this.#stream;
    if (stream === null) return;
    if (last) stream.receiveClosed = true;
    stream.handler.onData(stream, bytes, start, end, last);
    if (last) this.finishIfDone(stream);
  }

  onTrailerList(trailers: HeaderList): void {
    const stream = this.#stream;
    if (stream === null) return;
    stream.receiveClosed = true;
    stream.handler.onTrailers(stream, trailers);
    this.finishIfDone(stream);
  }

  onMalformed(failure: WireFailure): void {
    this.#host.onFailure(this, failure);
    const stream = this.#stream;
    const canAnswer = stream === null || !stream.headSent;
    if (canAnswer && failure.status >= 400 && failure.code !== "connection-closed") {
      writeStatusLine(failure.status, this.output, false);
      writeBytes(CONNECTION_CLOSE, this.output);
      writeBytes(LENGTH_ZERO, this.output);
      writeEmptyLine(this.output);
      this.flushSoon();
    }
    this.#end(failure);
  }

  onReadPaused(paused: boolean): void {
    if (!this.shouldClose) this.#host.setReadPaused(this, paused);
  }

  onCleanEnd(): void {
    // A client that closes before its answer has gone away, as Envoy sees it.
    this.#end(
      wireFailure("cancelled", "the client closed the connection before the response was complete", { h2Code: 8 }),
    );
  }

  sendHead(stream: Http1ServerStream, head: ResponseHead, endStream: boolean): void {
    const output = this.output;
    const { status, headers } = head;
    stream.startLineBytes = writeStatusLine(status, output, stream.request.version === HTTP_1_0);
    if (stream.mayUpgrade) {
      if (this.#startTunnel(stream, head)) return;
      // Refused: there is no tunnel to read from.
      stream.receiveClosed = true;
    }
    const request = stream.request;
    const bodyless = request.method === "HEAD" || status === 204 || status === 304;
    const length = headers.getId(CONTENT_LENGTH);
    if (bodyless) this.writer.begin(SEND_NONE, 0);
    else if (length !== undefined) this.writer.begin(SEND_LENGTH, Number(length));
    else if (endStream) {
      this.writer.begin(SEND_NONE, 0);
      writeBytes(LENGTH_ZERO, output);
    } else if (request.version === HTTP_1_0) {
      this.#keepAlive = false;
      this.writer.begin(SEND_RAW, 0);
    } else {
      this.writer.begin(SEND_CHUNKED, 0);
      writeBytes(TRANSFER_CHUNKED, output);
    }
    // Nobody waits for the rest of the request before the next. Source: Envoy.
    if (!stream.receiveClosed) this.#keepAlive = false;
    if (!this.#keepAlive) writeBytes(CONNECTION_CLOSE, output);
    else if (request.version === HTTP_1_0) writeBytes(CONNECTION_KEEP_ALIVE, output);
    writeHeaders(headers, output);
    writeEmptyLine(output);
    if (endStream && this.writer.left > 0) this.fail(stream, "a response ended before its Content-Length was reached");
  }

  sendInformational(stream: Http1ServerStream, head: ResponseHead): void {
    stream.startLineBytes = writeStatusLine(head.status, this.output, false);
    writeHeaders(head.headers, this.output);
    writeEmptyLine(this.output);
  }

  /** True while there is room for more output. */
  hasRoom(): boolean {
    return this.output.length < this.#highWater;
  }

  /** Call after writing to `output`. */
  flushSoon(): void {
    if (this.#flushWanted || this.output.length === 0) return;
    this.#flushWanted = true;
    this.#host.wantsFlush(this);
  }

  halfClose(): void {
    this.#host.wantsHalfClose(this);
  }

  /** Our own message cannot be completed: what was sent is cut off, so the client must see the connection end. */
  fail(stream: Http1ServerStream, message: string): void {
    if (stream === this.#stream) this.#end(wireFailure("local", message, { h2Code: 2 }));
  }

  resetStream(stream: Http1ServerStream, h2Code: number): void {
    if (stream === this.#stream) this.#end(wireFailure("local", "the exchange was given up here", { h2Code }));
  }

  /** Ends the exchange when both directions are done. */
  finishIfDone(stream: Http1ServerStream): void {
    if (stream !== this.#stream || !stream.sendClosed || !stream.receiveClosed) return;
    this.#stream = null;
    stream.handler.onClose(stream);
    if (!this.#keepAlive || stream.tunnel) {
      this.close();
      return;
    }
    this.reader.expectHead(this.#requestHeaders);
  }

  close(): void {
    if (this.shouldClose) return;
    this.reader.stop();
    this.shouldClose = true;
    this.#requestHeaders.clear();
    this.#host.wantsClose(this);
  }

  #startTunnel(stream: Http1ServerStream, head: ResponseHead): boolean {
    const accepted =
      stream.request.method === "CONNECT" ? head.status >= 200 && head.status < 300 : head.status === 101;
    if (!accepted) return false;
    stream.tunnel = true;
    this.#keepAlive = false;
    this.writer.begin(SEND_RAW, 0);
    if (head.status === 101) {
      writeBytes(CONNECTION_UPGRADE, this.output);
      writeHeader("upgrade", head.protocol === "" ? stream.request.protocol : head.protocol, this.output);
    }
    writeHeaders(head.headers, this.output);
    writeEmptyLine(this.output);
    this.reader.startBody(BODY_UNTIL_CLOSE, 0);
    return true;
  }

  #checkHost(request: RequestHead): WireFailure | null {
    const host = this.reader.fields.host;
    if (request.version === HTTP_1_0) {
      if (!this.#acceptHttp10) return refusal("HTTP/1.0 is switched off", 426);
    } else if (host === null) {
      return refusal("an HTTP/1.1 request without Host", 400);
    }
    // RFC 9112 3.2.2: the authority of an absolute target wins over Host.
    if (request.authority === "") request.authority = host ?? "";
    return null;
  }

  #end(failure: WireFailure): void {
    const stream = this.#stream;
    this.#stream = null;
    this.#keepAlive = false;
    if (stream !== null) {
      stream.sendClosed = true;
      stream.receiveClosed = true;
      stream.handler.onReset(stream, failure);
      stream.handler.onClose(stream);
    }
    this.close();
  }
}

function refusal(message: string, status: number): WireFailure {
  return wireFailure("protocol", message, { status, h2Code: 1 });
}

/** An HTTP/1 server connection. It is sans I/O: see README.md for how to bind a socket. */
export function createHttp1Server(options: HttpOptions, host: ConnectionHost, handler: ServerHandler): HttpConnection {
  return new Http1ServerConnection(options, host, handler);
}
