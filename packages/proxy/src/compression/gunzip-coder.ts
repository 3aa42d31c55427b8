import { constants, createInflateRaw } from "node:zlib";
import { GzipFrame } from "./gzip-frame.ts";
import { type ByteCoder, type CodedSink, type CoderPlan, createNativeCoder, type StreamCoder } from "./native-coder.ts";

const NOTHING = new Uint8Array(0);

/** Reads gzip: all members of a body, nothing of what follows them. */
class GunzipCoder implements ByteCoder {
  readonly #windowBits: number;
  readonly #bounds: Pick<CoderPlan, "maxRatio" | "chunkBytes" | "onFailed">;
  readonly #frame = new GzipFrame();
  /** Of the member that is read. */
  #member: StreamCoder | undefined = undefined;
  #dead = false;

  constructor(windowBits: number, bounds: Pick<CoderPlan, "maxRatio" | "chunkBytes" | "onFailed">) {
    this.#windowBits = windowBits;
    this.#bounds = bounds;
  }

  write(bytes: Uint8Array, start: number, end: number, last: boolean, sink: CodedSink): void {
    let at = start;
    while (at < end && !this.#dead) {
      at = this.#frame.skip(bytes, at, end);
      if (this.#frame.broken) this.#break();
      else if (at < end) at = this.#inflate(bytes, at, end, sink, end - start);
    }
    if (last) sink(NOTHING, 0, true);
  }

  /** Where the compressed bytes end, or `end`. */
  #inflate(bytes: Uint8Array, start: number, end: number, sink: CodedSink, size: number): number {
    this.#member ??= createNativeCoder({
      stream: createInflateRaw({ windowBits: this.#windowBits }),
      flushPiece: constants.Z_SYNC_FLUSH,
      flushLast: constants.Z_SYNC_FLUSH,
      ...this.#bounds,
    });
    const member = this.#member;
    member.write(bytes, start, end, false, sink, size);
    if (member.failed) this.#dead = true;
    if (member.readTo >= end || this.#dead) return end;
    this.#frame.dataEnds();
    member.close();
    this.#member = undefined;
    return member.readTo;
  }

  #break(): void {
    this.#dead = true;
    if (!this.#frame.whole) this.#bounds.onFailed("Z_DATA_ERROR");
  }

  close(): void {
    this.#dead = true;
    this.#member?.close();
    this.#member = undefined;
  }
}

/** `windowBits`: what bodies may need. */
export function createGunzipCoder(
  windowBits: number,
  bounds: Pick<CoderPlan, "maxRatio" | "chunkBytes" | "onFailed">,
): ByteCoder {
  return new GunzipCoder(windowBits, bounds);
}
