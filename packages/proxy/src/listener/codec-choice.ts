import type { Clock, ClockTimer } from "@heddle/std";
import type { HttpManagerConfig } from "../config/http-manager.ts";
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

/** Why a connection was closed that never said anything. Source: Envoy `DOWNSTREAM_LOCAL_CLOSE_REASON`. */
export type SilentEnd = "on_idle_timeout" | "duration_timeout";

/** Waits for the bytes that tell HTTP/2 from HTTP/1. */
export class CodecChoice implements ConnectionHandler {
  readonly #connection: StreamConnection;
  readonly #decide: (http2: boolean, first: Uint8Array) => void;
  readonly #timer: ClockTimer | undefined;
  readonly #onGone: (closed: SilentEnd | undefined) => void;
  #closed: SilentEnd | undefined = undefined;
  #first: Uint8Array;

  constructor(
    connection: StreamConnection,
    first: Uint8Array,
    decide: (http2: boolean, first: Uint8Array) => void,
    clock: Clock,
    limits: Pick<HttpManagerConfig, "idleTimeoutMs" | "maxConnectionDurationMs">,
    onGone: (closed: SilentEnd | undefined) => void,
  ) {
    this.#onGone = onGone;
    this.#connection = connection;
    this.#first = first;
    this.#decide = decide;
    const { idleTimeoutMs, maxConnectionDurationMs } = limits;
    const old = maxConnectionDurationMs > 0 && (idleTimeoutMs === 0 || maxConnectionDurationMs < idleTimeoutMs);
    const limitMs = old ? maxConnectionDurationMs : idleTimeoutMs;
    if (limitMs === 0) return;
    this.#timer = clock.after(limitMs, () => {
      this.#closed = old ? "duration_timeout" : "on_idle_timeout";
      connection.close();
    });
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
    this.#onGone(this.#closed);
  }
}
