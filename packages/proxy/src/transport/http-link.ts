// Hot path: joins a socket to a codec.
import type { ClientConnection, ClientHost, ConnectionHost, HttpConnection, WireFailure } from "@heddle/wire";
import type { Connection, ConnectionError, ConnectionHandler } from "./connection.ts";

/** Who owns a joined connection. */
export interface LinkOwner {
  /** The codec is done with the connection, and the owner closes it later. Undefined: it closes at once. */
  readonly lingers?: boolean;
  /** The socket is gone; all streams were reset before. */
  onLinkClosed(link: HttpLink, error: ConnectionError | undefined): void;
  /** The peer broke the protocol. */
  onLinkFailure(link: HttpLink, failure: WireFailure): void;
  /** A client connection can take more requests, or never will again. */
  onLinkCapacity(link: HttpLink): void;
}

/** Carries bytes between one socket and one HTTP codec. */
export interface HttpLink {
  readonly connection: Connection;
  readonly http: HttpConnection;
}

/** Implements what a codec asks of its surroundings on top of a socket. */
export class SocketLink<Http extends HttpConnection>
  implements HttpLink, ConnectionHandler, ConnectionHost, ClientHost
{
  readonly connection: Connection;
  readonly http: Http;
  readonly #owner: LinkOwner;

  /** `make` gets the link as the codec's host and returns the codec. */
  constructor(connection: Connection, owner: LinkOwner, make: (host: ClientHost) => Http) {
    this.connection = connection;
    this.#owner = owner;
    this.http = make(this);
    connection.output = this.http.output;
    connection.handler = this;
    if (this.http.output.length > 0) connection.wantsFlush();
  }

  onData(chunk: Uint8Array): void {
    this.http.receive(chunk, 0, chunk.length);
  }

  onEnd(): void {
    this.http.receiveEnd();
    if (this.#owner.lingers === true) this.connection.close();
  }

  onDrain(): void {
    this.http.drained();
  }

  onClose(error: ConnectionError | undefined): void {
    this.http.abort(error?.message ?? "the connection closed");
    this.#owner.onLinkClosed(this, error);
  }

  wantsFlush(_http: HttpConnection): void {
    this.connection.wantsFlush();
  }

  setReadPaused(_http: HttpConnection, paused: boolean): void {
    if (paused) this.connection.pause();
    else this.connection.resume();
  }

  wantsHalfClose(_http: HttpConnection): void {
    this.connection.shutdown();
  }

  wantsClose(_http: HttpConnection): void {
    if (this.#owner.lingers !== true) this.connection.close();
  }

  onFailure(_http: HttpConnection, failure: WireFailure): void {
    this.#owner.onLinkFailure(this, failure);
  }

  onCapacity(_http: ClientConnection): void {
    this.#owner.onLinkCapacity(this);
  }
}
