import type { TimerWheel, WheelTimer } from "@heddle/std";
import type { HttpConnection, RequestHead, ResponseHead, ServerStream, StreamBytes, StreamHandler } from "@heddle/wire";
import { createHeaderList, type HeaderList } from "@heddle/wire";

/** How often bytes are let through. Source: Envoy's stream rate limiter. Units: ms. */
const STEP_MS = 50;
/** With more than this waiting the upstream is asked to pause. Units: bytes. */
const WAITING_BYTES = 65_536;
const NOTHING = new Uint8Array(0);

/** A client's stream whose response body is sent at a limited rate. Source: Envoy `response_rate_limit`. */
class ThrottledStream implements ServerStream {
  readonly #inner: ServerStream;
  readonly #stepBytes: number;
  readonly #timer: WheelTimer;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  /** Bytes that may go before the next step. */
  #left: number;
  #ended = false;
  #trailers: HeaderList | undefined;
  #full = false;

  constructor(inner: ServerStream, bytesPerSecond: number, wheel: TimerWheel) {
    this.#inner = inner;
    this.#stepBytes = Math.max(1, Math.trunc((bytesPerSecond * STEP_MS) / 1000));
    this.#left = this.#stepBytes;
    this.#timer = wheel.create({ onExpire: () => this.#step() });
  }

  get handler(): StreamHandler {
    return this.#inner.handler;
  }
  set handler(handler: StreamHandler) {
    this.#inner.handler = handler;
  }
  get id(): number {
    return this.#inner.id;
  }
  get connection(): HttpConnection {
    return this.#inner.connection;
  }
  get request(): RequestHead {
    return this.#inner.request;
  }
  get wireBytes(): StreamBytes | undefined {
    return this.#inner.wireBytes;
  }
  get bufferedBytes(): number {
    return this.#waiting + this.#inner.bufferedBytes;
  }
  get receiveClosed(): boolean {
    return this.#inner.receiveClosed;
  }
  get sendClosed(): boolean {
    return this.#ended;
  }

  sendInformational(head: ResponseHead): void {
    this.#inner.sendInformational(head);
  }

  sendHead(head: ResponseHead, endStream: boolean): void {
    if (endStream) this.#ended = true;
    this.#inner.sendHead(head, endStream);
  }

  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (end > start) {
      this.#chunks.push(bytes.slice(start, end));
      this.#waiting += end - start;
    }
    if (endStream) this.#ended = true;
    this.#send();
    this.#full = this.#waiting > WAITING_BYTES;
    return !this.#full;
  }

  sendTrailers(trailers: HeaderList): void {
    this.#ended = true;
    this.#trailers = createHeaderList();
    this.#trailers.appendAll(trailers);
    this.#send();
  }

  reset(h2Code?: number): void {
    this.forget();
    this.#inner.reset(h2Code);
  }

  pause(): void {
    this.#inner.pause();
  }
  resume(): void {
    this.#inner.resume();
  }

  #step(): void {
    this.#left = this.#stepBytes;
    this.#send();
    if (this.#full && this.#waiting <= WAITING_BYTES) {
      this.#full = false;
      this.handler.onDrain(this);
    }
  }

  #send(): void {
    while (this.#left > 0) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const size = Math.min(this.#left, chunk.length);
      if (size === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(size);
      this.#left -= size;
      this.#waiting -= size;
      const last = this.#ended && this.#waiting === 0 && this.#trailers === undefined;
      this.#inner.sendData(chunk, 0, size, last);
      if (last) {
        this.#timer.release();
        return;
      }
    }
    if (this.#waiting > 0 || this.#left < this.#stepBytes) {
      if (!this.#timer.armed) this.#timer.arm(STEP_MS);
    }
    if (!this.#ended || this.#waiting > 0) return;
    if (this.#trailers !== undefined) this.#inner.sendTrailers(this.#trailers);
    else this.#inner.sendData(NOTHING, 0, 0, true);
    this.#timer.release();
  }

  /** Nobody reads any more. */
  forget(): void {
    this.#chunks = [];
    this.#waiting = 0;
    this.#timer.release();
  }
}

/** `bytesPerSecond` of the body go to the client. */
export function throttle(
  inner: ServerStream,
  bytesPerSecond: number,
  wheel: TimerWheel,
): ServerStream & { forget(): void } {
  return new ThrottledStream(inner, bytesPerSecond, wheel);
}
