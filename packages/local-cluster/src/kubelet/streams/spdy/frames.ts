/** SPDY/3.1 frames as far as Kubernetes uses them. Source: SPDY Protocol draft 3.1, sections 2.2 and 2.6. */
export type SpdyFrame =
  | { readonly kind: "data"; readonly streamId: number; readonly fin: boolean; readonly data: Uint8Array }
  /** `headerBlock` is compressed. */
  | { readonly kind: "syn-stream"; readonly streamId: number; readonly fin: boolean; readonly headerBlock: Uint8Array }
  | {
      readonly kind: "syn-reply" | "headers";
      readonly streamId: number;
      readonly fin: boolean;
      readonly headerBlock: Uint8Array;
    }
  | { readonly kind: "reset"; readonly streamId: number; readonly status: number }
  | { readonly kind: "ping"; readonly id: number }
  | { readonly kind: "go-away" }
  /** Settings and window updates: Kubernetes' SPDY has no flow control. */
  | { readonly kind: "ignored" };

const VERSION = 3;
const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const HEADERS = 8;
const FLAG_FIN = 1;
const HEAD = 8;
/** Larger frames are refused. Units: bytes. */
export const MAX_FRAME = 1 << 20;

export class SpdyError extends Error {}

/** Cuts a byte stream into frames. Errors: `push` throws `SpdyError`; the connection is lost then. */
export class SpdyDecoder {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): readonly SpdyFrame[] {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    const frames: SpdyFrame[] = [];
    while (this.#pending.length >= HEAD) {
      const length = this.#pending.readUIntBE(5, 3);
      if (length > MAX_FRAME) throw new SpdyError(`SPDY frame of ${length} bytes is above the limit of ${MAX_FRAME}`);
      if (this.#pending.length < HEAD + length) break;
      frames.push(decodeFrame(this.#pending.subarray(0, HEAD), this.#pending.subarray(HEAD, HEAD + length)));
      this.#pending = this.#pending.subarray(HEAD + length);
    }
    return frames;
  }
}

function decodeFrame(head: Buffer, body: Buffer): SpdyFrame {
  const first = head.readUInt32BE(0);
  const fin = ((head[4] ?? 0) & FLAG_FIN) !== 0;
  if (first < 0x80000000) return { kind: "data", streamId: first, fin, data: body };
  const version = (first >>> 16) & 0x7fff;
  if (version !== VERSION) throw new SpdyError(`SPDY version ${version} is not supported, only 3.1`);
  const need = (bytes: number): void => {
    if (body.length < bytes) throw new SpdyError("SPDY control frame is too short");
  };
  switch (first & 0xffff) {
    case SYN_STREAM:
      need(10);
      return { kind: "syn-stream", streamId: body.readUInt32BE(0) & 0x7fffffff, fin, headerBlock: body.subarray(10) };
    case SYN_REPLY:
    case HEADERS:
      need(4);
      return {
        kind: (first & 0xffff) === HEADERS ? "headers" : "syn-reply",
        streamId: body.readUInt32BE(0) & 0x7fffffff,
        fin,
        headerBlock: body.subarray(4),
      };
    case RST_STREAM:
      need(8);
      return { kind: "reset", streamId: body.readUInt32BE(0) & 0x7fffffff, status: body.readUInt32BE(4) };
    case PING:
      need(4);
      return { kind: "ping", id: body.readUInt32BE(0) };
    case GOAWAY:
      return { kind: "go-away" };
    default:
      return { kind: "ignored" };
  }
}

function control(type: number, flags: number, body: Uint8Array): Uint8Array {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE((0x80000000 | (VERSION << 16) | type) >>> 0, 0);
  head[4] = flags;
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

const words = (...values: readonly number[]): Buffer => {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value >>> 0, index * 4);
  return buffer;
};

export function encodeData(streamId: number, data: Uint8Array, fin: boolean): Uint8Array {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(streamId, 0);
  head[4] = fin ? FLAG_FIN : 0;
  head.writeUIntBE(data.length, 5, 3);
  return Buffer.concat([head, data]);
}

export const encodeSynReply = (streamId: number, headerBlock: Uint8Array): Uint8Array =>
  control(SYN_REPLY, 0, Buffer.concat([words(streamId), headerBlock]));
export const encodeSynStream = (streamId: number, headerBlock: Uint8Array): Uint8Array =>
  control(SYN_STREAM, 0, Buffer.concat([words(streamId, 0), Buffer.alloc(2), headerBlock]));
export const encodeReset = (streamId: number, status: number): Uint8Array =>
  control(RST_STREAM, 0, words(streamId, status));
export const encodePing = (id: number): Uint8Array => control(PING, 0, words(id));
export const encodeGoAway = (lastStreamId: number): Uint8Array => control(GOAWAY, 0, words(lastStreamId, 0));
