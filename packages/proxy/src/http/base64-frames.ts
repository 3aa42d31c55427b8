import { GRPC_PREFIX_BYTES } from "@heddle/wire";

/** Writes gRPC messages as base64, each padded on its own, whatever pieces they come in. Source: gRPC's PROTOCOL-WEB, `grpc-web-text`. */
export interface Base64Frames {
  /** What can be written of the bytes so far; up to two wait for those that follow. */
  encode(bytes: Uint8Array, start: number, end: number): Buffer;
}

class Encoder implements Base64Frames {
  /** The prefix of the message under way: a flag, and the length. */
  readonly #prefix = Buffer.alloc(GRPC_PREFIX_BYTES);
  #prefixBytes = 0;
  /** Of the message under way, to come. Units: bytes. */
  #left = 0;
  /** Bytes that are no group of three yet. */
  #rest: Buffer = Buffer.alloc(0);

  encode(bytes: Uint8Array, start: number, end: number): Buffer {
    let text = "";
    let at = start;
    while (at < end) {
      const size = this.#frameBytes(bytes, at, end);
      const piece = Buffer.concat([this.#rest, bytes.subarray(at, at + size)]);
      at += size;
      const complete = this.#prefixBytes === GRPC_PREFIX_BYTES && this.#left === 0;
      const whole = complete ? piece.length : piece.length - (piece.length % 3);
      text += piece.toString("base64", 0, whole);
      this.#rest = piece.subarray(whole);
      if (complete) this.#prefixBytes = 0;
    }
    return Buffer.from(text, "latin1");
  }

  /** How many of the bytes belong to the message under way; counts them. */
  #frameBytes(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#prefixBytes < GRPC_PREFIX_BYTES) {
      this.#prefix[this.#prefixBytes++] = bytes[at++] ?? 0;
      if (this.#prefixBytes === GRPC_PREFIX_BYTES) this.#left = this.#prefix.readUInt32BE(1);
    }
    const body = Math.min(this.#left, end - at);
    this.#left -= body;
    return at - start + body;
  }
}

export function createBase64Frames(): Base64Frames {
  return new Encoder();
}
