// Hot path for tunnels that we look into: exec, port-forward, tests.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import type { OutputBuffer } from "../output-buffer.ts";

export const WS_CONTINUATION = 0;
export const WS_TEXT = 1;
export const WS_BINARY = 2;
export const WS_CLOSE = 8;
export const WS_PING = 9;
export const WS_PONG = 10;

/** Takes what a peer sends. */
export interface WebSocketSink {
  /** A whole text or binary message, put together from its fragments; valid during the call. */
  onMessage(opcode: number, payload: Buffer): void;
  /** Close, ping or pong. Answering pings and closes is the caller's part. */
  onControl(opcode: number, payload: Buffer): void;
}

/** Reads frames of one direction. Source: RFC 6455 5. */
export interface WebSocketReader {
  /** Takes bytes in any pieces. After a failure close with `failure.h2Code` as WebSocket status (1002 protocol, 1007 text, 1009 size). */
  receive(bytes: Uint8Array, start: number, end: number): WireFailure | null;
}

export interface WebSocketReaderOptions {
  /** Whose frames these are: clients must mask theirs, servers must not. */
  readonly from: "client" | "server";
  /** Largest message, all fragments together. Default: 16 MiB. Units: bytes. */
  readonly maxMessageBytes?: number;
}

const PROTOCOL = 1002;
const BAD_TEXT = 1007;
const TOO_BIG = 1009;
const MAX_FRAME_HEADER = 14;

class Reader implements WebSocketReader {
  readonly #sink: WebSocketSink;
  readonly #masked: boolean;
  readonly #maxBytes: number;
  /** Bytes of an incomplete frame. */
  #pending: Buffer = Buffer.alloc(0);
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;
  /** Opcode of the message being put together; -1 when none is. */
  #messageOpcode = -1;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true });

  constructor(options: WebSocketReaderOptions, sink: WebSocketSink) {
    this.#sink = sink;
    this.#masked = options.from === "client";
    this.#maxBytes = options.maxMessageBytes ?? 16 * 1024 * 1024;
  }

  receive(bytes: Uint8Array, start: number, end: number): WireFailure | null {
    const fresh = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
    const input = this.#pending.length === 0 ? fresh : Buffer.concat([this.#pending, fresh]);
    let at = 0;
    while (at < input.length) {
      const next = this.#frame(input, at);
      if (typeof next !== "number") return next;
      if (next < 0) break;
      at = next;
    }
    // A copy, because the caller may reuse its memory.
    this.#pending = Buffer.from(input.subarray(at));
    return null;
  }

  /** Reads the frame at `at`: the offset behind it, -1 while it is incomplete. */
  #frame(input: Buffer, at: number): number | WireFailure {
    if (input.length - at < 2) return -1;
    const first = input[at] ?? 0;
    const second = input[at + 1] ?? 0;
    const opcode = first & 15;
    const control = opcode >= 8;
    let length = second & 127;
    if ((first & 0x70) !== 0) return refuse(PROTOCOL, "reserved bits without an extension");
    if (opcode > WS_PONG || (opcode > WS_BINARY && !control)) return refuse(PROTOCOL, `unknown opcode ${opcode}`);
    if (control && (length > 125 || first < 0x80))
      return refuse(PROTOCOL, "a control frame that is long or in fragments");
    if (second >= 0x80 !== this.#masked) return refuse(PROTOCOL, this.#masked ? "an unmasked frame" : "a masked frame");
    const headerBytes = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (this.#masked ? 4 : 0);
    if (input.length - at < Math.min(headerBytes, MAX_FRAME_HEADER)) return -1;
    if (length === 126) length = input.readUInt16BE(at + 2);
    else if (length === 127) length = input.readUInt32BE(at + 2) * 2 ** 32 + input.readUInt32BE(at + 6);
    if (!control && length + this.#fragmentBytes > this.#maxBytes) {
      return refuse(TOO_BIG, `a message over ${this.#maxBytes} bytes`);
    }
    const start = at + headerBytes;
    if (input.length - start < length) return -1;
    const payload = Buffer.from(input.subarray(start, start + length));
    if (this.#masked) applyMask(payload, input, start - 4);
    const failure = control ? this.#control(opcode, payload) : this.#data(opcode, first >= 0x80, payload);
    return failure ?? start + length;
  }

  #control(opcode: number, payload: Buffer): WireFailure | null {
    if (opcode === WS_CLOSE && payload.length === 1) return refuse(PROTOCOL, "a close frame of one byte");
    this.#sink.onControl(opcode, payload);
    return null;
  }

  #data(opcode: number, final: boolean, payload: Buffer): WireFailure | null {
    if ((opcode === WS_CONTINUATION) !== this.#messageOpcode >= 0) {
      return refuse(
        PROTOCOL,
        opcode === WS_CONTINUATION ? "a continuation of nothing" : "a new message inside another",
      );
    }
    if (opcode !== WS_CONTINUATION) this.#messageOpcode = opcode;
    if (!final) {
      this.#fragments.push(payload);
      this.#fragmentBytes += payload.length;
      return null;
    }
    const kind = this.#messageOpcode;
    const message = this.#fragments.length === 0 ? payload : Buffer.concat([...this.#fragments, payload]);
    this.#fragments = [];
    this.#fragmentBytes = 0;
    this.#messageOpcode = -1;
    if (kind === WS_TEXT && !this.#isUtf8(message)) return refuse(BAD_TEXT, "a text message that is not UTF-8");
    this.#sink.onMessage(kind, message);
    return null;
  }

  #isUtf8(message: Buffer): boolean {
    try {
      this.#utf8.decode(message);
      return true;
    } catch {
      return false;
    }
  }
}

export function createWebSocketReader(options: WebSocketReaderOptions, sink: WebSocketSink): WebSocketReader {
  return new Reader(options, sink);
}

/** Appends one frame. Clients pass four random bytes as `mask`, servers null. */
export function writeWebSocketFrame(
  output: OutputBuffer,
  opcode: number,
  payload: Uint8Array,
  mask: Uint8Array | null,
  final = true,
): void {
  const n = payload.length;
  let at = output.reserve(MAX_FRAME_HEADER + n);
  const start = at;
  const { bytes } = output;
  const maskBit = mask === null ? 0 : 0x80;
  bytes[at++] = (final ? 0x80 : 0) | opcode;
  if (n < 126) {
    bytes[at++] = maskBit | n;
  } else if (n < 65_536) {
    bytes[at++] = maskBit | 126;
    at = bytes.writeUInt16BE(n, at);
  } else {
    bytes[at++] = maskBit | 127;
    at = bytes.writeUInt32BE(Math.floor(n / 2 ** 32), at);
    at = bytes.writeUInt32BE(n >>> 0, at);
  }
  if (mask !== null) {
    bytes.set(mask.subarray(0, 4), at);
    at += 4;
  }
  bytes.set(payload, at);
  if (mask !== null) applyMask(bytes.subarray(at, at + n), bytes, at - 4);
  output.commit(at + n - start);
}

function applyMask(payload: Buffer, key: Buffer, keyAt: number): void {
  for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] ?? 0) ^ (key[keyAt + (i & 3)] ?? 0);
}

function refuse(status: number, what: string): WireFailure {
  return wireFailure(status === TOO_BIG ? "limit" : "protocol", `WebSocket: ${what}`, { h2Code: status });
}
