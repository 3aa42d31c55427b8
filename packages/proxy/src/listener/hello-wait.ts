import type { Clock, ClockTimer } from "@heddle/std";
import { type ConnectionError, type ConnectionHandler, IGNORE_EVENTS } from "../transport/connection.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import { inspect } from "./inspector.ts";

/** Who waits for a client's first words. */
export interface HelloOwner {
  /** `first`: all bytes so far. `offered`: the application protocols in them. */
  onHello(first: Uint8Array, offered: readonly string[]): void;
  onRefused(reason: string): void;
}

/** Longest hello that is waited for. Units: bytes. */
const MAX_BYTES = 65_536;

/** Reads what a client offers in its ClientHello, where the chain was chosen without it. */
export class HelloWait implements ConnectionHandler {
  readonly #connection: StreamConnection;
  readonly #owner: HelloOwner;
  readonly #timer: ClockTimer;
  #first: Uint8Array = new Uint8Array(0);
  #done = false;

  constructor(connection: StreamConnection, timeoutMs: number, clock: Clock, owner: HelloOwner) {
    this.#connection = connection;
    this.#owner = owner;
    this.#timer = clock.after(timeoutMs, () => this.#refuse(`no TLS handshake within ${timeoutMs} ms`));
  }

  onData(chunk: Uint8Array): void {
    this.#first = this.#first.length === 0 ? chunk : Buffer.concat([this.#first, chunk]);
    const found = inspect(this.#first, { tls: true, http: false, ja3: false, ja4: false });
    if (found === undefined && this.#first.length <= MAX_BYTES) return;
    this.#done = true;
    this.#timer.cancel();
    // What is no TLS is for the handshake to refuse.
    this.#owner.onHello(this.#first, found?.applicationProtocols ?? []);
  }

  onEnd(): void {
    this.#refuse("the client ended the connection during the handshake");
  }

  onDrain(): void {}

  onClose(_error: ConnectionError | undefined): void {
    this.#refuse("the client closed the connection during the handshake");
  }

  #refuse(reason: string): void {
    if (this.#done) return;
    this.#done = true;
    this.#timer.cancel();
    this.#owner.onRefused(reason);
    this.#connection.handler = IGNORE_EVENTS;
    this.#connection.close();
  }
}
