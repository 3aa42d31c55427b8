import { Duplex } from "node:stream";

/** How a stream's bytes reach the client. */
export interface StreamSink {
  /** Calls back when more may be sent. */
  data(chunk: Uint8Array, done: (error?: Error | null) => void): void;
  end(done: (error?: Error | null) => void): void;
  /** The program reads slowly or has caught up: `wanted` bytes are still to be read. */
  backlog(bytes: number): void;
  reset(): void;
}

/** One of several byte streams of a connection, as Kubernetes' streaming protocols have them. */
export class RemoteStream extends Duplex {
  readonly headers: ReadonlyMap<string, string>;
  readonly #sink: StreamSink;
  #inputEnded = false;

  constructor(headers: ReadonlyMap<string, string>, sink: StreamSink) {
    super({ allowHalfOpen: true });
    this.headers = headers;
    this.#sink = sink;
  }

  /** Bytes from the client. */
  receive(chunk: Uint8Array): void {
    if (this.#inputEnded || this.destroyed) return;
    this.push(chunk);
    this.#sink.backlog(this.readableLength);
  }

  /** The client will send nothing more. */
  receiveEnd(): void {
    if (this.#inputEnded || this.destroyed) return;
    this.#inputEnded = true;
    this.push(null);
  }

  override _read(): void {
    this.#sink.backlog(this.readableLength);
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#sink.data(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sink.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error) this.#sink.reset();
    done(null);
  }
}

/** Sends all and ends the stream; resolves when it has left or the connection is gone. */
export function finish(stream: RemoteStream | undefined, last?: Uint8Array | string): Promise<void> {
  if (!stream || stream.destroyed || stream.writableEnded) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => resolve();
    stream.once("error", done);
    stream.once("close", done);
    if (last === undefined) stream.end(done);
    else stream.end(last, done);
  });
}
