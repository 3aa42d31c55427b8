// Hot path: every byte that leaves goes through one of these.
import type { SpareMemory } from "./spare-memory.ts";

/**
 * Bytes that wait for the transport, gathered so that one turn makes one write.
 *
 * Transport's side: write `bytes[start, end)`, then `consume(n)` what was taken.
 * Codec's side: `reserve(n)`, write into `bytes` at `end`, then `commit(n)`.
 */
export interface OutputBuffer {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Bytes waiting. */
  readonly length: number;
  /** Bytes that the transport has taken so far. */
  readonly taken: number;
  /** Drops `n` bytes from the front. Once empty the memory is reused from its beginning, and a large one is given back. */
  consume(n: number): void;
  /** Makes room for `n` more bytes; `bytes` may be another object afterwards. Returns `end`. */
  reserve(n: number): number;
  commit(n: number): void;
  /** Appends a copy of `source[from, to)`. */
  append(source: Uint8Array, from: number, to: number): void;
  clear(): void;
}

// A buffer that grew beyond this for one large message is not kept for the connection's life.
const KEEP_BYTES = 32 * 1024;

class GatheringBuffer implements OutputBuffer {
  bytes: Buffer;
  start = 0;
  end = 0;
  taken = 0;
  readonly #initialBytes: number;
  readonly #spare: SpareMemory | undefined;

  constructor(initialBytes: number, spare: SpareMemory | undefined) {
    this.#initialBytes = initialBytes;
    this.#spare = spare;
    // Allocated at first use: an idle connection holds nothing.
    this.bytes = EMPTY;
  }

  get length(): number {
    return this.end - this.start;
  }

  consume(n: number): void {
    this.start += n;
    this.taken += n;
    if (this.start >= this.end) this.clear();
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
    if (this.bytes.length <= KEEP_BYTES) return;
    this.#spare?.give(this.bytes);
    this.bytes = EMPTY;
  }

  reserve(n: number): number {
    if (this.bytes.length - this.end < n) this.#grow(n);
    return this.end;
  }

  commit(n: number): void {
    this.end += n;
  }

  append(source: Uint8Array, from: number, to: number): void {
    const n = to - from;
    const at = this.reserve(n);
    copyBytes(source, from, to, this.bytes, at);
    this.end = at + n;
  }

  #grow(n: number): void {
    const waiting = this.end - this.start;
    if (this.start > 0 && this.bytes.length - waiting >= n && this.start >= waiting) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      let size = Math.max(this.#initialBytes, this.bytes.length);
      while (size - waiting < n) size *= 2;
      const spare = size > KEEP_BYTES ? this.#spare : undefined;
      const bytes = spare?.take(size) ?? Buffer.allocUnsafeSlow(size);
      if (waiting > 0) this.bytes.copy(bytes, 0, this.start, this.end);
      this.bytes = bytes;
    }
    this.start = 0;
    this.end = waiting;
  }
}

const EMPTY = Buffer.alloc(0);

/** An empty buffer. Default first size: 4 KiB. Units: bytes. `spare`: where memory comes from while it is large. Default: new memory. */
export function createOutputBuffer(initialBytes = 4096, spare?: SpareMemory): OutputBuffer {
  return new GatheringBuffer(initialBytes, spare);
}

/** Copies `source[from, to)` to `target` at `at`. A loop beats the native call below about 24 bytes (Bun 1.4.5). */
export function copyBytes(source: Uint8Array, from: number, to: number, target: Buffer, at: number): void {
  const n = to - from;
  if (n <= 24) {
    for (let i = 0; i < n; i++) target[at + i] = source[from + i] ?? 0;
  } else if (source instanceof Buffer) {
    source.copy(target, at, from, to);
  } else {
    target.set(source.subarray(from, to), at);
  }
}

/** Writes text that is known to be latin1 to `target` at `at`; returns the offset behind it. */
export function writeLatin1(text: string, target: Buffer, at: number): number {
  const n = text.length;
  if (n > 32) {
    target.write(text, at, "latin1");
  } else {
    for (let i = 0; i < n; i++) target[at + i] = text.charCodeAt(i);
  }
  return at + n;
}
