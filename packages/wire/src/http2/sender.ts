// Hot path: every body byte that leaves over HTTP/2.
import type { Http2Core } from "./core.ts";
import { DEFAULT_WINDOW, FRAME_HEADER_BYTES, writeData } from "./frame.ts";
import type { Http2Stream } from "./stream.ts";

const NO_BYTES = new Uint8Array(0);

/**
 * Decides which body bytes go out: within the peer's windows, in frames of its size, and only while the connection's output
 * has room, so that a slow socket holds data back in the streams. Streams that wait take turns, a frame each.
 */
export class Sender {
  /** Bytes that the peer lets us send on all streams together. */
  connectionWindow = DEFAULT_WINDOW;
  readonly #core: Http2Core;
  readonly #highWater: number;
  #waiting: Http2Stream[] = [];
  #pumping = false;

  constructor(core: Http2Core, highWater: number) {
    this.#core = core;
    this.#highWater = highWater;
  }

  /** Sends what is possible at once and queues the rest; false when something was queued. */
  send(stream: Http2Stream, bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    const at = stream.bufferedBytes > 0 ? start : this.#sendNow(stream, bytes, start, end, endStream);
    this.#core.flushSoon();
    if (stream.sendDone || (at === end && !endStream && stream.bufferedBytes === 0)) return true;
    stream.sendClosed = endStream;
    stream.enqueue(bytes, at, end);
    if (!stream.waiting) {
      stream.waiting = true;
      this.#waiting.push(stream);
    }
    stream.drainOwed = !endStream;
    return false;
  }

  /** A window grew or the output has room again. */
  pump(): void {
    if (this.#pumping || this.#waiting.length === 0) return;
    this.#pumping = true;
    let progress = true;
    while (progress && this.#core.output.length < this.#highWater) {
      progress = false;
      for (let i = 0; i < this.#waiting.length; i++) {
        const stream = this.#waiting[i];
        if (stream?.waiting && this.#sendQueuedFrame(stream)) progress = true;
      }
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const stream of waiting) if (stream.waiting) this.#waiting.push(stream);
    this.#pumping = false;
    for (const stream of waiting) {
      if (stream.waiting || !stream.drainOwed || stream.closed) continue;
      stream.drainOwed = false;
      stream.handler.onDrain(stream);
    }
    this.#core.flushSoon();
  }

  /** The stream is gone. */
  forget(stream: Http2Stream): void {
    stream.waiting = false;
    stream.queue = null;
    stream.queuedTrailers = null;
  }

  #sendNow(stream: Http2Stream, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
    const { output, peer } = this.#core;
    let at = start;
    while (at < end && output.length < this.#highWater) {
      const n = Math.min(end - at, stream.sendWindow, this.connectionWindow, peer.maxFrameBytes);
      if (n <= 0) return at;
      const last = endStream && at + n === end;
      writeData(output, stream.id, bytes, at, at + n, last);
      stream.sendWindow -= n;
      stream.dataBytesOut += FRAME_HEADER_BYTES + n;
      this.connectionWindow -= n;
      at += n;
      if (last) {
        stream.finishSending();
        return at;
      }
    }
    // An empty frame needs no window.
    if (at === end && endStream && start === end) {
      writeData(output, stream.id, NO_BYTES, 0, 0, true);
      stream.dataBytesOut += FRAME_HEADER_BYTES;
      stream.finishSending();
    }
    return at;
  }

  /** One frame of what the stream has queued; says whether something was written. */
  #sendQueuedFrame(stream: Http2Stream): boolean {
    const queue = stream.queue;
    if (queue === null) {
      stream.waiting = false;
      return false;
    }
    const { output, peer } = this.#core;
    const n = Math.min(queue.length, stream.sendWindow, this.connectionWindow, peer.maxFrameBytes);
    if (n <= 0 && queue.length > 0) return false;
    const empties = n === queue.length;
    const last = empties && stream.sendClosed && stream.queuedTrailers === null;
    if (n > 0 || last) {
      writeData(output, stream.id, queue.bytes, queue.start, queue.start + n, last);
      stream.dataBytesOut += FRAME_HEADER_BYTES + n;
    }
    stream.sendWindow -= n;
    this.connectionWindow -= n;
    queue.consume(n);
    if (!empties) return true;
    stream.waiting = false;
    if (stream.queuedTrailers !== null) this.#core.writeTrailers(stream, stream.queuedTrailers);
    if (stream.sendClosed) stream.finishSending();
    return true;
  }
}
