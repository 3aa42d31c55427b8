// Hot path: one per HTTP/1 connection that we opened.
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
import { createResponseHead, HTTP_1_0, HTTP_1_1, type RequestHead, type ResponseHead } from "../http/message-head.ts";
import type { ClientConnection, ClientHost, HttpStream, StreamHandler } from "../http/stream.ts";
import { createOutputBuffer, type OutputBuffer } from "../output-buffer.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_UNTIL_CLOSE } from "./body-decoder.ts";
import { BodyWriter, SEND_CHUNKED, SEND_LENGTH, SEND_NONE, SEND_RAW } from "./body-writer.ts";
import { Http1ClientStream } from "./client-stream.ts";
import { writeBytes, writeEmptyLine, writeHeader, writeHeaders } from "./header-writer.ts";
import { MessageReader, type MessageSink } from "./message-reader.ts";
import { writeRequestLine } from "./start-line-writer.ts";
import { readStatusLine } from "./status-line.ts";

const CONTENT_LENGTH = HEADER_ID["content-length"];
const CONNECTION_UPGRADE = Buffer.from("connection: Upgrade\r\n");
const TRANSFER_CHUNKED = Buffer.from("transfer-encoding: chunked\r\n");
const LENGTH_ZERO = Buffer.from("content-length: 0\r\n");
/** Interim responses to one request; with one every 20 s (102, RFC 2518 10.1) they last for over an hour. */
const MAX_INTERIM = 256;

/** One request at a time; never pipelines. See LIFECYCLE.md. */
export class Http1ClientConnection implements ClientConnection, MessageSink {
  readonly version = HTTP_1_1;
  readonly output: OutputBuffer = createOutputBuffer();
  readonly supportsUpgrade = true;
  readonly writer = new BodyWriter();
  readonly reader: MessageReader;
  shouldClose = false;
  readonly #host: ClientHost;
  readonly #highWater: number;
  readonly #head: ResponseHead = createResponseHead();
  readonly #headers: FlatHeaderList;
  #stream: Http1ClientStream | null = null;
  #nextId = 1;
  #keepAlive = true;
  #flushWanted = false;
  /** Bytes of the current response have arrived: repeating the request is no longer surely harmless. */
  #answered = false;
  /** Interim responses to the current request. */
  #interim = 0;

  constructor(options: HttpOptions, host: ClientHost) {
    this.#host = host;
    this.#highWater = options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES;
    this.#headers = createFlatHeaderList();
    this.#head.headers = this.#headers;
    this.reader = new MessageReader(
      this,
      options.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES,
      options.maxHeaderCount ?? DEFAULT_MAX_HEADER_COUNT,
    );
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  get headPending(): boolean {
    return this.reader.headPending;
  }

  get capacity(): number {
    return this.#stream === null && this.#keepAlive && !this.shouldClose ? 1 : 0;
  }

  request(head: RequestHead, endStream: boolean, handler: StreamHandler): HttpStream {
    if (this.capacity === 0) throw new Error("an HTTP/1 connection takes one request at a time");
    const mayUpgrade = head.method === "CONNECT" || head.protocol !== "";
    const stream = new Http1ClientStream(this, this.#nextId++, head.method, mayUpgrade, handler);
    this.#stream = stream;
    this.#answered = false;
    this.#interim = 0;
    const before = this.output.length;
    const startLine = this.#writeHead(head, endStream, mayUpgrade);
    stream.countHead(this.output.length - before, startLine);
    stream.sendClosed = endStream;
    this.reader.expectHead(this.#headers);
    this.flushSoon();
    return stream;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    if (this.#stream === null && end > start) {
      // A server that answers 408 to an idle connection, or a confused one: either way this connection is spent.
      this.#end(wireFailure("protocol", "bytes from a server that was not asked anything"));
      return;
    }
    this.#answered = true;
    this.reader.receive(bytes, start, end);
  }

  receiveEnd(): void {
    this.reader.receiveEnd();
  }

  abort(message: string): void {
    // A message that is cut is a broken one, whichever way the connection ended.
    if (this.reader.midMessage) this.onMalformed(wireFailure("connection-closed", message));
    this.reader.stop();
    this.#lost(message);
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
    this.#keepAlive = false;
    if (this.#stream === null) this.close();
  }

  onHeadBytes(bytes: Buffer, startLine: number, startLineEnd: number): void {
    const stream = this.#stream;
    if (stream === null) return;
    const fields = this.reader.fields;
    const head = this.#head;
    const failure = readStatusLine(bytes, startLine, startLineEnd, head) ?? fields.finish(head.version === HTTP_1_0);
    if (failure !== null) {
      this.reader.stop();
      this.onMalformed(failure);
      return;
    }
    const { status } = head;
    head.protocol = "";
    if (status < 200 && status !== 101) {
      if (++this.#interim > MAX_INTERIM) {
        this.reader.stop();
        this.onMalformed(wireFailure("protocol", "interim responses without end", { status: 502 }));
        return;
      }
      stream.handler.onInformational(stream, head);
      if (this.#stream === stream) this.reader.expectHead(this.#headers, false);
      return;
    }
    const { chunked, contentLength, close, keepAlive, upgrade } = fields;
    if (close || (head.version === HTTP_1_0 && !keepAlive)) this.#keepAlive = false;
    if (stream.mayUpgrade && this.#accepts(stream, status)) {
      stream.tunnel = true;
      this.#keepAlive = false;
      head.protocol = upgrade;
      stream.handler.onHead(stream, head, false);
      if (this.#stream === stream) this.reader.startBody(BODY_UNTIL_CLOSE, 0);
      return;
    }
    if (status === 101) {
      this.reader.stop();
      this.onMalformed(wireFailure("protocol", "the server switched protocols without being asked", { status: 502 }));
      return;
    }
    // A refused upgrade has no body to send.
    if (stream.mayUpgrade) stream.sendClosed = true;
    const bodyless = stream.method === "HEAD" || status === 204 || status === 304;
    const hasBody = !bodyless && contentLength !== 0;
    if (hasBody && !chunked && contentLength < 0) this.#keepAlive = false;
    stream.receiveClosed = !hasBody;
    stream.handler.onHead(stream, head, !hasBody);
    if (this.#stream !== stream) return;
    if (!hasBody) this.finishIfDone(stream);
    else if (chunked) this.reader.startBody(BODY_CHUNKED, 0);
    else if (contentLength > 0) this.reader.startBody(BODY_LENGTH, contentLength);
    else this.reader.startBody(BODY_UNTIL_CLOSE, 0);
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

  onMalformed(found: WireFailure): void {
    const cut = found.code === "connection-closed";
    const failure = cut ? wireFailure("protocol", found.message, { status: 502, h2Code: 1 }) : found;
    this.#host.onFailure(this, failure);
    this.#end(failure);
  }

  onReadPaused(paused: boolean): void {
    if (!this.shouldClose) this.#host.setReadPaused(this, paused);
  }

  onCleanEnd(): void {
    this.#lost("the server closed the connection before it answered");
  }

  hasRoom(): boolean {
    return this.output.length < this.#highWater;
  }

  flushSoon(): void {
    if (this.#flushWanted || this.output.length === 0) return;
    this.#flushWanted = true;
    this.#host.wantsFlush(this);
  }

  halfClose(): void {
    this.#host.wantsHalfClose(this);
  }

  fail(stream: Http1ClientStream, message: string): void {
    if (stream === this.#stream) this.#end(wireFailure("local", message, { h2Code: 2 }));
  }

  resetStream(stream: Http1ClientStream, h2Code: number): void {
    if (stream === this.#stream) this.#end(wireFailure("local", "the exchange was given up here", { h2Code }));
  }

  finishIfDone(stream: Http1ClientStream): void {
    if (stream !== this.#stream || !stream.sendClosed || !stream.receiveClosed) return;
    this.#stream = null;
    // Bytes behind the response would be taken for the answer to the next request (response splitting).
    if (this.reader.surplus) this.#keepAlive = false;
    // Before `onClose`, so that its handler may start the next request at once.
    if (!this.#keepAlive || stream.tunnel) this.close();
    stream.handler.onClose(stream);
    if (this.#stream === null) {
      this.#headers.clear();
      this.#host.onCapacity(this);
    }
  }

  close(): void {
    if (this.shouldClose) return;
    this.#keepAlive = false;
    this.reader.stop();
    this.shouldClose = true;
    this.#host.wantsClose(this);
  }

  #accepts(stream: Http1ClientStream, status: number): boolean {
    return stream.method === "CONNECT" ? status >= 200 && status < 300 : status === 101;
  }

  #lost(message: string): void {
    const hint = this.#answered ? "" : " (nothing of the response had arrived)";
    // Output leaves in order: with so much of it left, the request is all there.
    const retryable = this.#stream !== null && this.output.length >= this.#stream.bytesSent;
    // Who hears that a request was not sent may send it elsewhere: it must not go out here after that.
    this.output.clear();
    this.#end(wireFailure("connection-closed", message + hint, { h2Code: 8, retryable }));
  }

  /** Returns the bytes of the request line. */
  #writeHead(head: RequestHead, endStream: boolean, mayUpgrade: boolean): number {
    const output = this.output;
    const startLine = writeRequestLine(head, output);
    writeHeader("host", head.authority, output);
    const length = head.headers.getId(CONTENT_LENGTH);
    if (mayUpgrade) {
      this.writer.begin(SEND_RAW, 0);
      if (head.protocol !== "") {
        writeBytes(CONNECTION_UPGRADE, output);
        writeHeader("upgrade", head.protocol, output);
      }
    } else if (length !== undefined) {
      this.writer.begin(SEND_LENGTH, Number(length));
    } else if (endStream) {
      this.writer.begin(SEND_NONE, 0);
      // RFC 9110 8.6: requests that could have a body say that there is none. Source: those of Envoy.
      if (!isBodiless(head.method)) writeBytes(LENGTH_ZERO, output);
    } else {
      this.writer.begin(SEND_CHUNKED, 0);
      writeBytes(TRANSFER_CHUNKED, output);
    }
    writeHeaders(head.headers, output);
    writeEmptyLine(output);
    return startLine;
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
    const wasOpen = !this.shouldClose;
    this.close();
    if (wasOpen) this.#host.onCapacity(this);
  }
}

function isBodiless(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "DELETE" || method === "TRACE" || method === "CONNECT";
}

/** An HTTP/1 client connection. It is sans I/O: see README.md for how to bind a socket. */
export function createHttp1Client(options: HttpOptions, host: ClientHost): ClientConnection {
  return new Http1ClientConnection(options, host);
}
