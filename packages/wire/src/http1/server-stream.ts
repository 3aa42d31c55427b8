// Hot path: one per request.
import type { HeaderList } from "../http/header-list.ts";
import { IGNORE_STREAM } from "../http/ignore-handler.ts";
import type { RequestHead, ResponseHead } from "../http/message-head.ts";
import type { HttpConnection, ServerStream, StreamHandler } from "../http/stream.ts";
import type { StreamBytes } from "../http/stream-bytes.ts";
import { AROUND_TRAILERS, END_OF_FIELDS } from "./body-writer.ts";
import type { Http1ServerConnection } from "./server-connection.ts";

export class Http1ServerStream implements ServerStream {
  handler: StreamHandler = IGNORE_STREAM;
  readonly id: number;
  readonly request: RequestHead;
  receiveClosed = false;
  sendClosed = false;
  headSent = false;
  /** CONNECT or Upgrade: whether bytes follow depends on our answer. */
  readonly mayUpgrade: boolean;
  /** The upgrade was accepted. */
  tunnel = false;
  /** `sendData` returned false and `onDrain` is owed. */
  waitsForRoom = false;
  /** Of the head that was sent last. */
  startLineBytes = 0;
  #bytesSent = 0;
  #fieldBytesSent = 0;
  readonly #connection: Http1ServerConnection;

  constructor(connection: Http1ServerConnection, request: RequestHead, id: number, mayUpgrade: boolean) {
    this.#connection = connection;
    this.request = request;
    this.id = id;
    this.mayUpgrade = mayUpgrade;
  }

  get connection(): HttpConnection {
    return this.#connection;
  }

  get bufferedBytes(): number {
    return this.#connection.output.length;
  }

  get wireBytes(): StreamBytes {
    return this.#connection.reader.exchangeBytes(this.#bytesSent, this.#fieldBytesSent);
  }

  sendInformational(head: ResponseHead): void {
    if (this.headSent || this.sendClosed || this.request.version < 11) return;
    const connection = this.#connection;
    const before = connection.output.length;
    connection.sendInformational(this, head);
    this.#countHead(connection.output.length - before);
    connection.flushSoon();
  }

  sendHead(head: ResponseHead, endStream: boolean): void {
    if (this.headSent || this.sendClosed) return;
    this.headSent = true;
    if (endStream) this.sendClosed = true;
    const connection = this.#connection;
    const before = connection.output.length;
    connection.sendHead(this, head, endStream);
    this.#countHead(connection.output.length - before);
    connection.flushSoon();
    if (endStream) connection.finishIfDone(this);
  }

  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    const connection = this.#connection;
    if (!this.headSent || this.sendClosed) return true;
    const before = connection.output.length;
    if (!connection.writer.write(bytes, start, end, endStream, connection.output)) {
      connection.fail(this, "a response body differs from its Content-Length");
      return true;
    }
    this.#bytesSent += connection.output.length - before;
    connection.flushSoon();
    if (endStream) {
      this.#closeSend();
      return true;
    }
    const room = connection.hasRoom();
    if (!room) this.waitsForRoom = true;
    return room;
  }

  sendTrailers(trailers: HeaderList): void {
    const connection = this.#connection;
    if (!this.headSent || this.sendClosed) return;
    const before = connection.output.length;
    if (!connection.writer.writeTrailers(trailers, connection.output)) {
      connection.fail(this, "a response body differs from its Content-Length");
      return;
    }
    const written = connection.output.length - before;
    this.#bytesSent += written;
    if (written > AROUND_TRAILERS) this.#fieldBytesSent += written - AROUND_TRAILERS;
    connection.flushSoon();
    this.#closeSend();
  }

  reset(h2Code = 8): void {
    this.#connection.resetStream(this, h2Code);
  }

  pause(): void {
    this.#connection.reader.pause();
  }

  resume(): void {
    this.#connection.reader.resume();
  }

  #countHead(bytes: number): void {
    this.#fieldBytesSent += bytes - this.startLineBytes - END_OF_FIELDS;
    this.#bytesSent += bytes;
  }

  #closeSend(): void {
    this.sendClosed = true;
    if (this.tunnel && !this.receiveClosed) this.#connection.halfClose();
    this.#connection.finishIfDone(this);
  }
}
