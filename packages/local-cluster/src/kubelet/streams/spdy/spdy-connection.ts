import type { Duplex } from "node:stream";
import { RemoteStream } from "../remote-stream.ts";
import {
  encodeData,
  encodeGoAway,
  encodePing,
  encodeReset,
  encodeSynReply,
  SpdyDecoder,
  type SpdyFrame,
} from "./frames.ts";
import { HeaderReader, HeaderWriter } from "./header-block.ts";

/** The server's side of a SPDY/3.1 connection. */
export interface SpdyConnection {
  /** Sends what is pending, then ends the connection. */
  close(): void;
  readonly closed: Promise<void>;
}

/** A client that sends faster than a program reads is stopped here. Units: bytes. */
const MAX_BACKLOG = 4 * 1024 * 1024;
const MAX_DATA = 32 * 1024;
const STATUS_CANCEL = 5;

class Connection implements SpdyConnection {
  readonly #socket: Duplex;
  readonly #onStream: (stream: RemoteStream) => void;
  readonly #decoder = new SpdyDecoder();
  readonly #reader = new HeaderReader();
  readonly #writer = new HeaderWriter();
  readonly #streams = new Map<number, RemoteStream>();
  readonly #slow = new Set<number>();
  readonly #done = Promise.withResolvers<void>();
  #queue: Promise<void> = Promise.resolve();
  #lastStream = 0;
  #over = false;

  constructor(socket: Duplex, head: Uint8Array, onStream: (stream: RemoteStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("end", () => this.#lost());
    socket.on("close", () => this.#lost());
    socket.on("error", () => this.#lost());
    if (head.length > 0) this.#receive(head);
  }

  get closed(): Promise<void> {
    return this.#done.promise;
  }

  #receive(chunk: Uint8Array): void {
    let frames: readonly SpdyFrame[];
    try {
      frames = this.#decoder.push(chunk);
    } catch {
      this.#socket.destroy();
      return;
    }
    // Headers are decompressed asynchronously; frames behind them keep their order.
    for (const frame of frames)
      this.#queue = this.#queue.then(() => this.#handle(frame)).catch(() => void this.#socket.destroy());
  }

  async #handle(frame: SpdyFrame): Promise<void> {
    if (this.#over) return;
    switch (frame.kind) {
      case "syn-stream": {
        const headers = await this.#reader.read(frame.headerBlock);
        const stream = this.#makeStream(frame.streamId, headers);
        this.#send(encodeSynReply(frame.streamId, this.#writer.write(new Map())));
        this.#onStream(stream);
        if (frame.fin) stream.receiveEnd();
        return;
      }
      case "headers":
      case "syn-reply":
        await this.#reader.read(frame.headerBlock);
        if (frame.fin) this.#streams.get(frame.streamId)?.receiveEnd();
        return;
      case "data": {
        const stream = this.#streams.get(frame.streamId);
        if (frame.data.length > 0) stream?.receive(frame.data);
        if (frame.fin) stream?.receiveEnd();
        return;
      }
      case "reset": {
        const stream = this.#streams.get(frame.streamId);
        this.#streams.delete(frame.streamId);
        stream?.receiveEnd();
        stream?.destroy();
        return;
      }
      case "ping":
        this.#send(encodePing(frame.id));
        return;
      case "go-away":
      case "ignored":
        return;
    }
  }

  #makeStream(id: number, headers: ReadonlyMap<string, string>): RemoteStream {
    this.#lastStream = Math.max(this.#lastStream, id);
    const stream = new RemoteStream(headers, {
      data: (chunk, done) => {
        for (let at = 0; at < chunk.length; at += MAX_DATA)
          this.#write(encodeData(id, chunk.subarray(at, at + MAX_DATA), false));
        this.#whenDrained(done);
      },
      end: (done) => {
        this.#write(encodeData(id, new Uint8Array(0), true));
        this.#whenDrained(done);
      },
      backlog: (bytes) => this.#backlog(id, bytes),
      reset: () => this.#send(encodeReset(id, STATUS_CANCEL)),
    });
    // An error of one stream must not end the node.
    stream.on("error", () => {});
    this.#streams.set(id, stream);
    return stream;
  }

  #backlog(id: number, bytes: number): void {
    if (bytes > MAX_BACKLOG) this.#slow.add(id);
    else if (bytes < MAX_BACKLOG / 2) this.#slow.delete(id);
    if (this.#slow.size > 0) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #send(frame: Uint8Array): void {
    this.#write(frame);
  }

  #write(frame: Uint8Array): void {
    if (!this.#over && this.#socket.writable) this.#socket.write(frame);
  }

  #whenDrained(done: (error?: Error | null) => void): void {
    if (this.#over || !this.#socket.writable) done(new Error("the client has gone"));
    else if (this.#socket.writableNeedDrain) {
      const go = (): void => {
        this.#socket.off("drain", go);
        this.#socket.off("close", go);
        done();
      };
      this.#socket.on("drain", go);
      this.#socket.on("close", go);
    } else done();
  }

  #lost(): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.close();
    for (const stream of this.#streams.values()) {
      stream.receiveEnd();
      stream.destroy();
    }
    this.#streams.clear();
    this.#socket.destroy();
    this.#done.resolve();
  }

  close(): void {
    if (this.#over) return;
    this.#write(encodeGoAway(this.#lastStream));
    this.#socket.end(() => this.#lost());
  }
}

/** Serves streams that the client opens on `socket`, which is past the HTTP upgrade. */
export function serveSpdy(socket: Duplex, head: Uint8Array, onStream: (stream: RemoteStream) => void): SpdyConnection {
  return new Connection(socket, head, onStream);
}
