import {
  createHeaderList,
  createResponseHead,
  type HeaderList,
  type HttpStream,
  type ResponseHead,
  type ServerStream,
  type WireFailure,
} from "@heddle/wire";
import type { ExtProcConfig } from "../../config/filters/ext-proc.ts";
import { noteGrpcStatus } from "../../http/grpc-status.ts";
import { PassedStream } from "../../http/passed-stream.ts";
import type { FilterCall, FilterReply } from "../http-filter.ts";
import { BUFFER_BYTES, Direction, type DirectionExit, type DirectionWay } from "./direction.ts";
import { requestFields, responseFields } from "./header-fields.ts";
import type { Processor } from "./processor.ts";

const REQUEST_TOO_LARGE: FilterReply = {
  status: 413,
  body: "Payload Too Large",
  details: "request_payload_too_large",
  flag: "-",
};
const RESPONSE_TOO_LARGE: FilterReply = {
  status: 500,
  body: "Internal Server Error",
  details: "response_payload_too_large",
  flag: "-",
};

/** The client's stream with the processor in front of it: what comes and what goes passes by there. The picture is in LIFECYCLE.md. */
export class ProcessedStream extends PassedStream {
  readonly #call: FilterCall;
  readonly #processor: Processor;
  readonly #up: Direction;
  readonly #down: Direction;
  /** What filters before this one do to the answer's head. */
  readonly #earlier: ((head: ResponseHead, endStream: boolean) => void) | undefined;
  /** The filter is still being asked; the head may go on at once. */
  #asking = false;
  #letThrough = false;
  /** The request was complete before: what the processor makes of its body. */
  #rewritten: Uint8Array[] | undefined;
  #head: ResponseHead | undefined = undefined;
  #headSent = false;
  #stopUpload = false;
  /** Who wants the client to pause: the exchange, or the request on its way. */
  #exchangeFull = false;
  #upHeld = false;
  #paused = false;
  /** Who wants the server to pause: the client, or the response on its way. */
  #clientFull = false;
  #downHeld = false;
  /** Passed on to an exchange that is full. Units: bytes. */
  #excess = 0;
  /** Neither client nor exchange is there any more. */
  #over = false;

  constructor(inner: ServerStream, call: FilterCall, processor: Processor, config: ExtProcConfig) {
    super(inner);
    this.#call = call;
    this.#processor = processor;
    this.#earlier = call.takeResponse();
    this.#rewritten = call.uploaded ? [] : undefined;
    const way: DirectionWay = config.observes ? "watched" : config.bodyAhead ? "ahead" : "asked";
    this.#up = new Direction(this.#upExit(), processor, config.processing.request, way);
    this.#down = new Direction(this.#downExit(), processor, config.processing.response, way);
    processor.exchange = {
      request: this.#up,
      response: this.#down,
      answer: (reply) => this.#answer(reply),
      onProcessorRoom: (room) => {
        this.#up.block(!room);
        this.#down.block(!room);
      },
    };
  }

  /** Shows the request to the processor. False: it waits there, or was answered. */
  begin(): boolean {
    const { request } = this.#call;
    if (!this.#up.mode.headers && this.#processor.dropsLength(this.#up)) request.headers.remove("content-length");
    const { chunks, trailers, uploaded } = this.#call.takeBody();
    const bare = uploaded && chunks.length === 0 && trailers === undefined;
    this.#asking = true;
    this.#up.onHead(requestFields(request), bare);
    chunks.forEach((bytes, i) => {
      this.#up.onData(bytes, uploaded && trailers === undefined && i === chunks.length - 1);
    });
    if (trailers !== undefined) this.#up.onTrailers(trailers);
    this.#asking = false;
    return this.#letThrough;
  }

  /** The request was answered before it came this far. */
  beginAnswered(): void {
    this.#up.discard();
  }

  // ---- The request ---------------------------------------------------------------------------------------------------

  #upExit(): DirectionExit {
    return {
      passHead: (end) => {
        if (this.#rewritten === undefined) this.#goOn();
        else if (end) this.#goOn();
      },
      passData: (bytes, end) => {
        if (this.#rewritten !== undefined) {
          this.#rewritten.push(bytes.slice());
          if (end) this.#finishRewriting();
          return;
        }
        this.#call.exchange.bytesReceived -= bytes.length;
        if (this.#exchangeFull) this.#excess += bytes.length;
        this.handler.onData(this, bytes, 0, bytes.length, end);
        this.#pace();
      },
      passTrailers: (trailers) => {
        if (this.#rewritten === undefined) this.handler.onTrailers(this, trailers);
        else this.#finishRewriting();
      },
      hold: (held) => {
        this.#upHeld = held;
        this.#pace();
      },
      overflow: () => {
        this.#up.discard();
        // The processor sees this answer, as all that are not its own.
        if (this.#head === undefined) this.#call.interrupt(REQUEST_TOO_LARGE);
        else this.#processor.refuse(REQUEST_TOO_LARGE);
      },
    };
  }

  #finishRewriting(): void {
    this.#call.putBody(Buffer.concat(this.#rewritten ?? []));
    this.#goOn();
  }

  #goOn(): void {
    if (this.#asking) this.#letThrough = true;
    else this.#call.resume();
  }

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.#call.exchange.bytesReceived += end - start;
    this.#up.onData(bytes.subarray(start, end), endStream);
  }

  onTrailers(_stream: HttpStream, trailers: HeaderList): void {
    this.#up.onTrailers(copyOf(trailers));
  }

  override onReset(_stream: HttpStream, failure: WireFailure): void {
    this.#end();
    this.handler.onReset(this, failure);
  }

  override onClose(): void {
    this.#end();
    this.handler.onClose(this);
  }

  /** The exchange begins anew, with filters of its own: this one lets everything pass. */
  leave(): void {
    this.#up.free();
    this.#down.free();
  }

  /** Nobody is left to be processed. */
  #end(): void {
    this.#over = true;
    this.#processor.stop();
    this.#up.discard();
    this.#down.discard();
  }

  override pause(): void {
    this.#exchangeFull = true;
    this.#pace();
  }

  override resume(): void {
    this.#exchangeFull = false;
    this.#excess = 0;
    this.#pace();
  }

  /** The client pauses while somebody is full; the processor only where it makes much more of what it was given. */
  #pace(): void {
    if (this.#over) return;
    const paused = this.#exchangeFull || this.#upHeld;
    if (paused !== this.#paused) {
      this.#paused = paused;
      if (paused) this.inner.pause();
      else this.inner.resume();
    }
    this.#processor.hush(this.#excess > BUFFER_BYTES || (this.#clientFull && this.inner.bufferedBytes > BUFFER_BYTES));
  }

  // ---- The answer ----------------------------------------------------------------------------------------------------

  #downExit(): DirectionExit {
    return {
      passHead: (end) => {
        const head = this.#head;
        if (head === undefined) return;
        this.#headSent = true;
        this.#earlier?.(head, end);
        const { exchange } = this.#call;
        exchange.status = head.status;
        noteGrpcStatus(exchange, head.headers);
        this.inner.sendHead(head, end);
        if (end) this.#sent();
      },
      passData: (bytes, end) => {
        this.#call.exchange.bytesSent += bytes.length;
        this.#clientFull = !this.inner.sendData(bytes, 0, bytes.length, end);
        if (end) this.#sent();
        else if (this.#clientFull) this.#pace();
      },
      passTrailers: (trailers) => {
        noteGrpcStatus(this.#call.exchange, trailers);
        this.inner.sendTrailers(trailers);
        this.#sent();
      },
      hold: (held) => {
        const before = this.#hasRoom;
        this.#downHeld = held;
        if (!before && this.#hasRoom && !this.#over) this.handler.onDrain(this);
      },
      overflow: () => this.#processor.refuse(RESPONSE_TOO_LARGE),
    };
  }

  get #hasRoom(): boolean {
    return !this.#downHeld && !this.#clientFull;
  }

  /** The answer is out. */
  #sent(): void {
    if (!this.#stopUpload) return;
    this.#stopUpload = false;
    this.inner.reset(0);
  }

  override sendHead(head: ResponseHead, endStream: boolean): void {
    // Another answer takes the place of one that is held here.
    if (this.#head !== undefined) this.#down.discard();
    const copy = createResponseHead();
    copy.status = head.status;
    copy.version = head.version;
    copy.protocol = head.protocol;
    copy.headers.appendAll(head.headers);
    this.#head = copy;
    this.#call.exchange.response = copy;
    if (!this.#down.mode.headers && this.#processor.dropsLength(this.#down)) copy.headers.remove("content-length");
    this.#down.onHead(responseFields(copy), endStream);
  }

  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    this.#call.exchange.bytesSent -= end - start;
    this.#down.onData(bytes.subarray(start, end), endStream);
    return this.#hasRoom;
  }

  sendTrailers(trailers: HeaderList): void {
    this.#down.onTrailers(copyOf(trailers));
  }

  override onDrain(): void {
    this.#clientFull = false;
    this.#pace();
    if (this.#hasRoom) this.handler.onDrain(this);
  }

  override reset(h2Code?: number): void {
    if (h2Code === 0 && this.#head !== undefined && !this.#down.ended) {
      // The client is told to send no more when it has its answer.
      this.#stopUpload = true;
      this.#up.discard();
      return;
    }
    this.#end();
    this.inner.reset(h2Code);
  }

  #answer(reply: FilterReply): void {
    const held = this.#head === undefined ? undefined : this.#headSent ? "rest" : "whole";
    const over = this.#down.ended;
    this.#up.discard();
    this.#down.discard();
    if (held === "rest" && over) return;
    if (held !== "rest") this.#head = undefined;
    if (held === "whole") this.#call.exchange.bytesSent = 0;
    this.#call.interrupt(reply, held);
  }
}

function copyOf(trailers: HeaderList): HeaderList {
  const list = createHeaderList();
  list.appendAll(trailers);
  return list;
}
