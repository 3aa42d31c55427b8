// Hot path: requests with bodies pass here while they may have to be sent again.

import { createHeaderList, type HeaderList, type HttpStream } from "@heddle/wire";

const NO_BYTES = new Uint8Array(0);

/** Copies of body bytes up to a limit, and of the trailers after them, for sending later or again. */
export class BodyBuffer {
  #limit: number;
  /** More than this is not sent again. Units: bytes. */
  readonly #retryLimit: number;
  #chunks: Uint8Array[] = [];
  #trailers: HeaderList | undefined = undefined;
  length = 0;
  /** The limit was passed: what is kept is no longer the whole body. */
  overflowed = false;

  constructor(limit: number) {
    this.#limit = limit;
    this.#retryLimit = limit;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (size === 0 || this.overflowed) return;
    if (this.length + size > this.#limit) {
      this.overflowed = true;
      this.#chunks = [];
      return;
    }
    this.#chunks.push(bytes.slice(start, end));
    this.length += size;
  }

  keepTrailers(trailers: HeaderList): void {
    this.#trailers = createHeaderList();
    this.#trailers.appendAll(trailers);
  }

  /** For the trailers at its end, which may be none yet. */
  changeTrailers(change: (trailers: HeaderList) => void): void {
    this.#trailers ??= createHeaderList();
    change(this.#trailers);
  }

  /** Neither bytes nor trailers. */
  get empty(): boolean {
    return this.length === 0 && this.#trailers === undefined;
  }

  /** Keeps at least this much from now on. Units: bytes. */
  allow(bytes: number): void {
    if (bytes > this.#limit) this.#limit = bytes;
  }

  /** It was sent, and stays for a retry if it is not too long for that. */
  keepForRetry(): void {
    if (this.length <= this.#retryLimit) return;
    this.overflowed = true;
    this.#chunks = [];
  }

  get chunks(): readonly Uint8Array[] {
    return this.#chunks;
  }

  /** Sends what is kept; false when the peer is slow. `complete`: nothing more will come. */
  replay(stream: HttpStream, complete: boolean): boolean {
    const chunks = this.#chunks;
    const trailers = this.#trailers;
    const last = complete && trailers === undefined;
    let room = true;
    for (let i = 0; i < chunks.length; i++) {
      const chunk = chunks[i];
      if (chunk !== undefined) room = stream.sendData(chunk, 0, chunk.length, last && i === chunks.length - 1);
    }
    if (chunks.length === 0 && last) stream.sendData(NO_BYTES, 0, 0, true);
    if (trailers !== undefined) stream.sendTrailers(trailers);
    return room;
  }

  replace(bytes: Uint8Array): void {
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.length = bytes.length;
  }

  /** As at the beginning. */
  clear(): void {
    this.#chunks = [];
    this.length = 0;
  }

  get trailers(): HeaderList | undefined {
    return this.#trailers;
  }
}
