// Hot path: one per request.
import type { HeaderList } from "../http/header-list.ts";
import type { HttpConnection, HttpStream, StreamHandler } from "../http/stream.ts";
import type { StreamBytes } from "../http/stream-bytes.ts";
import { AROUND_TRAILERS, END_OF_FIELDS } from "./body-writer.ts";
import type { Http1ClientConnection } from "./client-connection.ts";

export class Http1ClientStream implements HttpStream {
  handler: StreamHandler;
  readonly id: number;
  readonly method: string;
  receiveClosed = false;
  sendClosed = false;
  /** CONNECT or Upgrade was asked for; bytes may be sent only once it was accepted. */
  readonly mayUpgrade: boolean;
  tunnel = false;
  waitsForRoom = false;
  /** Written to the output so far. */
  bytesSent = 0;
  #fieldBytesSent = 0;
  readonly #connection: Http1ClientConnection;

  constructor(
    connection: Http1ClientConnection,
    id: number,
    method: string,
    mayUpgrade: boolean,
    handler: StreamHandler,
  ) {
    this.#connection = connection;
    this.id = id;
    this.method = method;
    this.mayUpgrade = mayUpgrade;
    this.handler = handler;
  }

  get connection(): HttpConnection {
    return this.#connection;
  }

  get bufferedBytes(): number {
    return this.#connection.output.length;
  }

  get wireBytes(): StreamBytes {
    return this.#connection.reader.exchangeBytes(this.bytesSent, this.#fieldBytesSent);
  }

  /** The head was written. */
  countHead(bytes: number, startLine: number): void {
    this.bytesSent = bytes;
    this.#fieldBytesSent = bytes - startLine - END_OF_FIELDS;
  }

  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (this.sendClosed) return true;
    const connection = this.#connection;
    const before = connection.output.length;
    if (!connection.writer.write(bytes, start, end, endStream, connection.output)) {
      connection.fail(this, "a request body differs from its Content-Length");
      return true;
    }
    this.bytesSent += connection.output.length - before;
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
    if (this.sendClosed) return;
    const connection = this.#connection;
    const before = connection.output.length;
    if (!connection.writer.writeTrailers(trailers, connection.output)) {
      connection.fail(this, "a request body differs from its Content-Length");
      return;
    }
    const written = connection.output.length - before;
    this.bytesSent += written;
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

  #closeSend(): void {
    this.sendClosed = true;
    if (this.mayUpgrade && !this.receiveClosed) this.#connection.halfClose();
    this.#connection.finishIfDone(this);
  }
}
