import {
  encodeGrpcMessage,
  GRPC_PREFIX_BYTES,
  grpcCodeOfHttpStatus,
  type HeaderList,
  type HttpStream,
  headerEntries,
  type ResponseHead,
  type ServerStream,
} from "@heddle/wire";
import { type Base64Frames, createBase64Frames } from "./base64-frames.ts";
import { PassedStream } from "./passed-stream.ts";

/** More of an answer that is not gRPC is not repeated in `grpc-message`. Source: Envoy. Units: bytes. */
const MAX_MESSAGE_BYTES = 16_384;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** First byte of the frame that stands for the trailers. Source: gRPC's PROTOCOL-WEB. */
const TRAILERS_FLAG = 0x80;

/** The stream of a gRPC-Web client, as gRPC for whoever is behind it: base64 out of requests, trailers into the body of responses. */
export class GrpcWebStream extends PassedStream {
  readonly #textRequest: boolean;
  readonly #frames: Base64Frames | undefined;
  readonly #onBroken: (details: string) => void;
  /** Base64 characters that are no group of four yet. */
  #rest = "";
  /** The request is no base64: nothing more of it is passed on. */
  broken = false;
  /** The answer is not gRPC: its body becomes a header. */
  #holds = false;
  #heldHead: ResponseHead | undefined = undefined;
  #heldBody: Buffer[] = [];
  #heldBytes = 0;

  constructor(inner: ServerStream, textRequest: boolean, textResponse: boolean, onBroken: (details: string) => void) {
    super(inner);
    this.#textRequest = textRequest;
    this.#frames = textResponse ? createBase64Frames() : undefined;
    this.#onBroken = onBroken;
  }

  // ---- From the client -----------------------------------------------------------------------------------------------

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.broken) return;
    if (!this.#textRequest) {
      this.handler.onData(this, bytes, start, end, endStream);
      return;
    }
    const decoded = this.decode(bytes, start, end, endStream);
    if (decoded !== undefined) this.handler.onData(this, decoded, 0, decoded.length, endStream);
  }

  /** What part of a base64 request stands for. Errors: undefined, after telling why, when it is no base64. */
  decode(bytes: Uint8Array, start: number, end: number, endStream: boolean): Buffer | undefined {
    const text = this.#rest + Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
    const whole = text.length - (text.length % 4);
    if (endStream && whole < text.length) return this.#break("grpc_base_64_decode_failed_bad_size");
    this.#rest = text.slice(whole);
    const groups = text.slice(0, whole);
    if (!BASE64.test(groups)) return this.#break("grpc_base_64_decode_failed");
    return Buffer.from(groups, "base64");
  }

  #break(details: string): undefined {
    this.broken = true;
    this.#onBroken(details);
  }

  onTrailers(_stream: HttpStream, trailers: HeaderList): void {
    if (!this.broken) this.handler.onTrailers(this, trailers);
  }

  // ---- To the client -------------------------------------------------------------------------------------------------

  /** The head that follows is not that of a gRPC answer. */
  holdAnswer(): void {
    this.#holds = true;
  }

  override sendHead(head: ResponseHead, endStream: boolean): void {
    if (this.#holds && !endStream) this.#heldHead = head;
    else this.inner.sendHead(head, endStream);
  }

  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (this.#heldHead !== undefined) {
      this.#hold(bytes.subarray(start, end));
      if (endStream) this.#sendHeld(this.#heldHead);
      return true;
    }
    if (this.#frames === undefined) return this.inner.sendData(bytes, start, end, endStream);
    const text = this.#frames.encode(bytes, start, end);
    return this.inner.sendData(text, 0, text.length, endStream);
  }

  sendTrailers(trailers: HeaderList): void {
    if (this.#heldHead !== undefined) {
      this.#sendHeld(this.#heldHead);
      return;
    }
    const lines = headerEntries(trailers).map(([name, value]) => `${name}:${value}\r\n`);
    const body = Buffer.from(lines.join(""), "latin1");
    const frame = Buffer.alloc(GRPC_PREFIX_BYTES + body.length);
    frame[0] = TRAILERS_FLAG;
    frame.writeUInt32BE(body.length, 1);
    body.copy(frame, GRPC_PREFIX_BYTES);
    const bytes = this.#frames === undefined ? frame : Buffer.from(frame.toString("base64"), "latin1");
    this.inner.sendData(bytes, 0, bytes.length, true);
  }

  #hold(bytes: Uint8Array): void {
    const room = MAX_MESSAGE_BYTES - this.#heldBytes;
    if (room <= 0 || bytes.length === 0) return;
    const kept = Buffer.from(bytes.subarray(0, room));
    this.#heldBytes += kept.length;
    this.#heldBody.push(kept);
  }

  #sendHeld(head: ResponseHead): void {
    this.#heldHead = undefined;
    const { headers } = head;
    headers.set("grpc-message", encodeGrpcMessage(Buffer.concat(this.#heldBody).toString("utf8")));
    headers.set("grpc-status", String(grpcCodeOfHttpStatus(head.status)));
    headers.set("content-length", "0");
    this.#heldBody = [];
    this.inner.sendHead(head, true);
  }
}
