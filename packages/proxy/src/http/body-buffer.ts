// Hot path: requests with bodies pass here while they may have to be sent again.

/** Copies of body bytes up to a limit, for sending later or again. */
export class BodyBuffer {
  readonly #limit: number;
  #chunks: Uint8Array[] = [];
  length = 0;
  /** The limit was passed: what is kept is no longer the whole body. */
  overflowed = false;

  constructor(limit: number) {
    this.#limit = limit;
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

  get chunks(): readonly Uint8Array[] {
    return this.#chunks;
  }

  clear(): void {
    this.#chunks = [];
    this.length = 0;
  }
}
