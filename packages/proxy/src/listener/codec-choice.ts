import type { Clock, ClockTimer } from "@heddle/std";
import type { ConnectionHandler } from "../transport/connection.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";

/** Whether the bytes tell HTTP/2 from HTTP/1. */
export function decided(first: Uint8Array): boolean {
  return first[0] !== undefined && (first[0] !== 0x50 || first.length >= PREFACE_DECIDES);
}

export function isPreface(first: Uint8Array): boolean {
  return first[0] === 0x50 && first[1] === 0x52 && first[2] === 0x49;
}

/** "PRI" differs from "POST", "PUT" and "PATCH" at the third byte. Units: bytes. */
const PREFACE_DECIDES = 3;

/** Waits for the bytes that tell HTTP/2 from HTTP/1. */
export class CodecChoice implements ConnectionHandler {
  readonly #connection: StreamConnection;
  readonly #decide: (http2: boolean, first: Uint8Array) => void;
  readonly #timer: ClockTimer | undefined;
  readonly #onGone: () => void;
  #first: Uint8Array;

  constructor(
    connection: StreamConnection,
    first: Uint8Array,
    decide: (http2: boolean, first: Uint8Array) => void,
    clock: Clock,
    idleTimeoutMs: number,
    onGone: () => void,
  ) {
    this.#onGone = onGone;
    this.#connection = connection;
    this.#first = first;
    this.#decide = decide;
    this.#timer = idleTimeoutMs > 0 ? clock.after(idleTimeoutMs, () => connection.close()) : undefined;
  }

  onData(chunk: Uint8Array): void {
    this.#first = this.#first.length === 0 ? chunk : Buffer.concat([this.#first, chunk]);
    if (!decided(this.#first)) return;
    this.#timer?.cancel();
    this.#decide(isPreface(this.#first), this.#first);
  }

  onEnd(): void {
    this.#connection.close();
  }

  onDrain(): void {}
  onClose(): void {
    this.#timer?.cancel();
    this.#onGone();
  }
}
