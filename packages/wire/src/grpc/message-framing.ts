// Hot path: once per message where the proxy looks into gRPC streams.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import type { OutputBuffer } from "../output-buffer.ts";

/** Takes the messages of one direction of a gRPC call. */
export interface GrpcMessageSink {
  /** A complete message `bytes[start, end)`; valid during the call. */
  onMessage(bytes: Buffer, start: number, end: number, compressed: boolean): void;
}

/** Cuts a byte stream into length-prefixed messages. Source: gRPC over HTTP/2, "Length-Prefixed-Message". */
export interface GrpcMessageReader {
  /** Takes body bytes in any pieces; a failure ends the call (RESOURCE_EXHAUSTED or INTERNAL). */
  receive(bytes: Uint8Array, start: number, end: number): WireFailure | null;
  /** The stream ended; a failure when it did so inside a message. */
  finish(): WireFailure | null;
  /** Messages seen. */
  readonly count: number;
}

/** Flags and length ahead of each message. Units: bytes. */
export const GRPC_PREFIX_BYTES = 5;
/** Source: grpc's default `max_receive_message_length`. Units: bytes. */
export const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

class Reader implements GrpcMessageReader {
  count = 0;
  readonly #sink: GrpcMessageSink;
  readonly #maxBytes: number;
  readonly #prefix = Buffer.alloc(GRPC_PREFIX_BYTES);
  #prefixBytes = 0;
  #compressed = false;
  #length = 0;
  #message: Buffer | null = null;
  #messageBytes = 0;

  constructor(sink: GrpcMessageSink, maxBytes: number) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
  }

  receive(bytes: Uint8Array, start: number, end: number): WireFailure | null {
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = start;
    while (at < end) {
      if (this.#prefixBytes < GRPC_PREFIX_BYTES) {
        this.#prefix[this.#prefixBytes++] = buffer[at++] ?? 0;
        if (this.#prefixBytes < GRPC_PREFIX_BYTES) continue;
        const failure = this.#readPrefix();
        if (failure !== null) return failure;
        if (this.#length === 0) this.#deliver(buffer, at, at);
        continue;
      }
      at = this.#readBody(buffer, at, end);
    }
    return null;
  }

  finish(): WireFailure | null {
    if (this.#prefixBytes === 0) return null;
    return wireFailure("protocol", "a gRPC stream ended inside a message");
  }

  #readPrefix(): WireFailure | null {
    const flag = this.#prefix[0] ?? 0;
    if (flag > 1) return wireFailure("protocol", `gRPC message flag ${flag}; only 0 and 1 exist`);
    this.#compressed = flag === 1;
    this.#length = this.#prefix.readUInt32BE(1);
    if (this.#length <= this.#maxBytes) return null;
    return wireFailure("limit", `a gRPC message of ${this.#length} bytes; ${this.#maxBytes} are allowed`);
  }

  #readBody(bytes: Buffer, at: number, end: number): number {
    if (this.#message === null && end - at >= this.#length) {
      const messageEnd = at + this.#length;
      this.#deliver(bytes, at, messageEnd);
      return messageEnd;
    }
    // Grows with what arrives, so that a large announced length alone costs nothing.
    const have = this.#messageBytes;
    const take = Math.min(this.#length - have, end - at);
    let message = this.#message;
    if (message === null || message.length < have + take) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#length, Math.max(1024, (have + take) * 2)));
      message?.copy(grown, 0, 0, have);
      message = grown;
      this.#message = grown;
    }
    bytes.copy(message, have, at, at + take);
    this.#messageBytes = have + take;
    if (this.#messageBytes === this.#length) this.#deliver(message, 0, this.#length);
    return at + take;
  }

  #deliver(bytes: Buffer, start: number, end: number): void {
    this.count++;
    this.#prefixBytes = 0;
    this.#message = null;
    this.#messageBytes = 0;
    this.#sink.onMessage(bytes, start, end, this.#compressed);
  }
}

export function createGrpcMessageReader(
  sink: GrpcMessageSink,
  maxBytes: number = DEFAULT_MAX_MESSAGE_BYTES,
): GrpcMessageReader {
  return new Reader(sink, maxBytes);
}

/** Appends a message with its prefix. */
export function writeGrpcMessage(output: OutputBuffer, message: Uint8Array, compressed = false): void {
  const at = output.reserve(GRPC_PREFIX_BYTES);
  output.bytes[at] = compressed ? 1 : 0;
  output.bytes.writeUInt32BE(message.length, at + 1);
  output.commit(GRPC_PREFIX_BYTES);
  output.append(message, 0, message.length);
}
