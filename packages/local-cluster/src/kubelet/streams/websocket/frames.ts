/** A whole message or control frame. Source: RFC 6455. */
export type WebSocketMessage =
  | { readonly kind: "message"; readonly binary: boolean; readonly data: Uint8Array }
  | { readonly kind: "ping" | "pong"; readonly data: Uint8Array }
  | { readonly kind: "close"; readonly code: number };

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const MAX_MESSAGE = 32 * 1024 * 1024;

export class WebSocketError extends Error {}

/** Cuts what a client sends into messages. Errors: `push` throws `WebSocketError`; the connection is lost then. */
export class WebSocketDecoder {
  #pending: Buffer = Buffer.alloc(0);
  #fragments: Buffer[] = [];
  #fragmentType = 0;

  push(chunk: Uint8Array): readonly WebSocketMessage[] {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    const messages: WebSocketMessage[] = [];
    for (;;) {
      const frame = this.#next();
      if (!frame) return messages;
      const message = this.#assemble(frame);
      if (message) messages.push(message);
    }
  }

  #next(): { readonly fin: boolean; readonly opcode: number; readonly payload: Buffer } | undefined {
    const buffer = this.#pending;
    if (buffer.length < 2) return undefined;
    const [first = 0, second = 0] = buffer;
    if ((first & 0x70) !== 0) throw new WebSocketError("reserved bits are set");
    if ((second & 0x80) === 0) throw new WebSocketError("a client's frames must be masked");
    let at = 2;
    let length = second & 0x7f;
    if (length === 126) {
      if (buffer.length < 4) return undefined;
      length = buffer.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (buffer.length < 10) return undefined;
      length = Number(buffer.readBigUInt64BE(2));
      at = 10;
    }
    if (length > MAX_MESSAGE)
      throw new WebSocketError(`a frame of ${length} bytes is above the limit of ${MAX_MESSAGE}`);
    if (buffer.length < at + 4 + length) return undefined;
    const mask = buffer.subarray(at, at + 4);
    const payload = Buffer.from(buffer.subarray(at + 4, at + 4 + length));
    for (let index = 0; index < payload.length; index++)
      payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
    this.#pending = buffer.subarray(at + 4 + length);
    return { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload };
  }

  #assemble({
    fin,
    opcode,
    payload,
  }: {
    readonly fin: boolean;
    readonly opcode: number;
    readonly payload: Buffer;
  }): WebSocketMessage | undefined {
    switch (opcode) {
      case PING:
        return { kind: "ping", data: payload };
      case PONG:
        return { kind: "pong", data: payload };
      case CLOSE:
        return { kind: "close", code: payload.length >= 2 ? payload.readUInt16BE(0) : 1005 };
      case TEXT:
      case BINARY:
        this.#fragmentType = opcode;
        this.#fragments = [payload];
        break;
      case CONTINUATION:
        if (this.#fragments.length === 0) throw new WebSocketError("a continuation without a start");
        this.#fragments.push(payload);
        break;
      default:
        throw new WebSocketError(`unknown opcode ${opcode}`);
    }
    if (!fin) return undefined;
    const data = this.#fragments.length === 1 ? payload : Buffer.concat(this.#fragments);
    this.#fragments = [];
    return { kind: "message", binary: this.#fragmentType === BINARY, data };
  }
}

function encode(opcode: number, data: Uint8Array): Uint8Array {
  const size = data.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (size < 126) head[1] = size;
  else if (size < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, data]);
}

/** Frames as a server sends them: whole and unmasked. */
export const encodeBinary = (data: Uint8Array): Uint8Array => encode(BINARY, data);
export const encodeText = (data: Uint8Array): Uint8Array => encode(TEXT, data);
export const encodePong = (data: Uint8Array): Uint8Array => encode(PONG, data);
export function encodeClose(code: number, reason: string): Uint8Array {
  const text = Buffer.from(reason).subarray(0, 120);
  const body = Buffer.alloc(2 + text.length);
  body.writeUInt16BE(code, 0);
  text.copy(body, 2);
  return encode(CLOSE, body);
}
