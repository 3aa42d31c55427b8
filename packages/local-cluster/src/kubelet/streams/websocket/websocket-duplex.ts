import { Duplex } from "node:stream";
import { serveWebSocket, type WebSocketConnection } from "./websocket-connection.ts";

/** The bytes of all binary messages as one stream: what Kubernetes tunnels SPDY through. */
export class WebSocketDuplex extends Duplex {
  readonly #connection: WebSocketConnection;

  constructor(socket: Duplex, head: Uint8Array) {
    super({ allowHalfOpen: false });
    this.#connection = serveWebSocket(socket, head, (data) => {
      if (!this.push(data)) this.#connection.pause(true);
    });
    void this.#connection.closed.then(() => {
      if (!this.readableEnded) this.push(null);
    });
  }

  override _read(): void {
    this.#connection?.pause(false);
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#connection.send(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.close();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.close();
    done(error);
  }
}
