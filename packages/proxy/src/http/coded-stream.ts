import { createHeaderList, type HeaderList, type HttpStream, type ServerStream } from "@heddle/wire";
import type { ByteCoder, CodedSink } from "../compression/native-coder.ts";
import { PassedStream } from "./passed-stream.ts";

/** The coding of one direction of an exchange. */
export interface CodedBody {
  readonly coder: ByteCoder;
  /** After each piece. Units: bytes. */
  onPiece(taken: number, made: number): void;
  /** Set where the message ends with trailers that say more; called once, at its end. */
  readonly trailers?: (trailers: HeaderList) => void;
}

const NOTHING = new Uint8Array(0);

/** The stream of a client whose bodies are compressed or decompressed as they pass; what is slow at one end is so at the other. */
export class CodedStream extends PassedStream {
  #request: CodedBody | undefined = undefined;
  #response: CodedBody | undefined = undefined;
  #closed = false;
  /** Of the piece under way: how much came out, and whether the client takes more. */
  #made = 0;
  #room = true;
  readonly #toClient: CodedSink;
  readonly #toServer: CodedSink;

  constructor(inner: ServerStream) {
    super(inner);
    this.#toClient = (bytes, length, last) => {
      const ends = last && this.#response?.trailers === undefined;
      this.#made += length;
      if (length === 0 && !ends) return;
      if (!this.inner.sendData(bytes, 0, length, ends)) this.#room = false;
    };
    this.#toServer = (bytes, length, last) => {
      const ends = last && this.#request?.trailers === undefined;
      this.#made += length;
      if (this.#closed || (length === 0 && !ends)) return;
      this.handler.onData(this, bytes, 0, length, ends);
    };
  }

  /** From now on the request's body passes through it. */
  codeRequest(body: CodedBody): void {
    this.#request = body;
  }

  /** The same for the answer, before its head is sent. */
  codeResponse(body: CodedBody): void {
    this.#response = body;
  }

  // ---- From the client -----------------------------------------------------------------------------------------------

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const body = this.#request;
    if (body === undefined) {
      this.handler.onData(this, bytes, start, end, endStream);
      return;
    }
    this.#pass(body, bytes, start, end, endStream, this.#toServer);
    if (!endStream || body.trailers === undefined || this.#closed) return;
    const trailers = createHeaderList();
    body.trailers(trailers);
    this.handler.onTrailers(this, trailers);
  }

  onTrailers(_stream: HttpStream, trailers: HeaderList): void {
    const body = this.#request;
    if (body !== undefined) {
      this.#finish(body, (bytes, length) => {
        this.#made += length;
        if (length > 0 && !this.#closed) this.handler.onData(this, bytes, 0, length, false);
      });
      if (this.#closed) return;
      body.trailers?.(trailers);
    }
    this.handler.onTrailers(this, trailers);
  }
  override onClose(): void {
    this.#closed = true;
    this.#request?.coder.close();
    this.#response?.coder.close();
    super.onClose();
  }

  // ---- To the client -------------------------------------------------------------------------------------------------

  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    const body = this.#response;
    if (body === undefined) return this.inner.sendData(bytes, start, end, endStream);
    this.#room = true;
    this.#pass(body, bytes, start, end, endStream, this.#toClient);
    const room = this.#room;
    if (endStream && body.trailers !== undefined) {
      const trailers = createHeaderList();
      body.trailers(trailers);
      this.inner.sendTrailers(trailers);
    }
    return room;
  }

  sendTrailers(trailers: HeaderList): void {
    const body = this.#response;
    if (body !== undefined) {
      this.#finish(body, (bytes, length) => {
        this.#made += length;
        if (length > 0) this.inner.sendData(bytes, 0, length, false);
      });
      body.trailers?.(trailers);
    }
    this.inner.sendTrailers(trailers);
  }

  #pass(body: CodedBody, bytes: Uint8Array, start: number, end: number, last: boolean, sink: CodedSink): void {
    this.#made = 0;
    body.coder.write(bytes, start, end, last, sink);
    body.onPiece(end - start, this.#made);
  }

  #finish(body: CodedBody, sink: CodedSink): void {
    this.#pass(body, NOTHING, 0, 0, true, sink);
  }
}
