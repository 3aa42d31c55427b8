import type { Zlib } from "node:zlib";

/** Where the bytes of a coder go; valid during the call only. `last`: nothing follows. */
export type CodedSink = (bytes: Uint8Array, length: number, last: boolean) => void;

/** Compresses or decompresses one body as it passes, in the caller's turn. */
export interface ByteCoder {
  /**
   * Takes `bytes[start, end)` and gives all that comes out of them. The sink is called at least once when `last`.
   * Errors: what comes after is dropped; who made the coder is told once.
   */
  write(bytes: Uint8Array, start: number, end: number, last: boolean, sink: CodedSink): void;
  /** Lets its memory go; nothing may be written after it. Idempotent. */
  close(): void;
}

/** How a coder works. */
export interface CoderPlan {
  readonly stream: Zlib;
  /** The library's words for a piece that is not the last, and for the last. */
  readonly flushPiece: number;
  readonly flushLast: number;
  /** What may come out of a piece, in multiples of its length; 0: anything. */
  readonly maxRatio: number;
  /** The bound above is rounded up to a multiple of this. Units: bytes. */
  readonly chunkBytes: number;
  /** Called once when the input is wrong, or more than `maxRatio` comes out of it. */
  readonly onFailed: (cause: string) => void;
}

/** The part of the runtime's zlib streams below their events and threads; node:zlib's own synchronous functions use it. */
interface NativeHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    from: number,
    size: number,
    output: Uint8Array,
    at: number,
    room: number,
  ): void;
  close(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

/** Units: bytes. */
const PIECE_BYTES = 16_384;
/** More than what is ever in use at once in a chain of filters. */
const MAX_SPARES = 8;
const spares: Uint8Array[] = [];

/** A coder of which is known how far it has read. */
export interface StreamCoder extends ByteCoder {
  /** @param size What the bound is counted from, when it is not the bytes that are given. */
  write(bytes: Uint8Array, start: number, end: number, last: boolean, sink: CodedSink, size?: number): void;
  /** Where the last write stopped to read: before its end when the compressed bytes have ended. */
  readonly readTo: number;
  readonly failed: boolean;
}

class NativeCoder implements StreamCoder {
  readonly #plan: CoderPlan;
  readonly #handle: NativeHandle;
  /** What the last call left: room in the output, bytes of the input. */
  readonly #left: Uint32Array;
  #failure = "";
  #open = true;
  readTo = 0;

  constructor(plan: CoderPlan) {
    this.#plan = plan;
    const { handle, left } = insideOf(plan.stream);
    this.#handle = handle;
    this.#left = left;
    handle.onerror = (message, _errno, code) => {
      this.#failure = code === "" ? message : code;
    };
  }

  get failed(): boolean {
    return this.#failure !== "";
  }

  write(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    sink: CodedSink,
    size: number = end - start,
  ): void {
    if (!this.#open || this.#failure !== "") {
      if (last) sink(bytes, 0, true);
      return;
    }
    const output = spares.pop() ?? new Uint8Array(PIECE_BYTES);
    try {
      this.#run(bytes, start, end, last, output, sink, size);
    } finally {
      if (spares.length < MAX_SPARES) spares.push(output);
    }
  }

  #run(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    output: Uint8Array,
    sink: CodedSink,
    size: number,
  ): void {
    const { flushLast, flushPiece, maxRatio, chunkBytes, onFailed } = this.#plan;
    const flush = last ? flushLast : flushPiece;
    let allowed =
      maxRatio === 0 ? Number.POSITIVE_INFINITY : (Math.trunc((size * maxRatio) / chunkBytes) + 1) * chunkBytes;
    let from = start;
    for (;;) {
      const room = Math.min(output.length, allowed);
      // Where the runtime fails it does not say how far it came: nothing of this call counts.
      this.#left[0] = room;
      this.#left[1] = 0;
      this.#handle.writeSync(flush, bytes, from, end - from, output, 0, room);
      const made = room - (this.#left[0] ?? 0);
      allowed -= made;
      from = end - (this.#left[1] ?? 0);
      this.readTo = from;
      if (this.#failure === "" && allowed === 0) this.#failure = RATIO_EXCEEDED;
      const done = this.#failure !== "" || made < room;
      if (made > 0 || (done && last)) sink(output, made, done && last);
      // Whoever takes the bytes may give the whole exchange up.
      if (!this.#open) return;
      if (!done) continue;
      if (this.#failure !== "") onFailed(this.#failure);
      return;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#plan.stream.close();
  }
}

/** The cause when a body is a decompression bomb. */
export const RATIO_EXCEEDED = "ratio exceeded";

/** Errors: throws when the runtime's streams are built otherwise, which a test of this folder finds. */
function insideOf(stream: Zlib): { readonly handle: NativeHandle; readonly left: Uint32Array } {
  const handle: unknown = Reflect.get(stream, "_handle");
  const left: unknown = Reflect.get(stream, "_writeState");
  if (!isHandle(handle) || !(left instanceof Uint32Array))
    throw new Error("this runtime's zlib streams have no synchronous part");
  return { handle, left };
}

function isHandle(value: unknown): value is NativeHandle {
  return typeof value === "object" && value !== null && "writeSync" in value && typeof value.writeSync === "function";
}

export function createNativeCoder(plan: CoderPlan): StreamCoder {
  return new NativeCoder(plan);
}
