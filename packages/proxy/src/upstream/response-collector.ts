import { err, ok, type Result } from "@heddle/std";
import {
  createHeaderList,
  type HeaderList,
  type HttpStream,
  type ResponseHead,
  type StreamHandler,
  type WireFailure,
} from "@heddle/wire";

/** A complete answer to a request of the proxy itself. */
export interface CollectedResponse {
  readonly status: number;
  readonly headers: HeaderList;
  /** Empty when there were none. */
  readonly trailers: HeaderList;
  readonly body: Buffer;
}

/** Gathers an answer up to a limit. `done` is called once. */
export class ResponseCollector implements StreamHandler {
  readonly #limit: number;
  readonly #done: (result: Result<CollectedResponse>) => void;
  readonly #moves: (failure: WireFailure) => boolean;
  #status = 0;
  #headers = createHeaderList();
  #trailers = createHeaderList();
  #chunks: Uint8Array[] = [];
  #length = 0;
  #over = false;

  /** `moves`: asked when the stream ends before its answer begins; true: the request is sent again, and nothing is to be told. */
  constructor(
    limit: number,
    done: (result: Result<CollectedResponse>) => void,
    moves: (failure: WireFailure) => boolean = () => false,
  ) {
    this.#limit = limit;
    this.#done = done;
    this.#moves = moves;
  }

  onHead(_stream: HttpStream, head: ResponseHead, endStream: boolean): void {
    this.#status = head.status;
    // The head's own list is only valid as long as the stream.
    this.#headers.appendAll(head.headers);
    if (endStream) this.#complete();
  }

  onInformational(): void {}

  onData(stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.#over) return;
    this.#length += end - start;
    if (this.#length > this.#limit) {
      this.#finish(err(`the answer is larger than ${this.#limit} bytes`));
      stream.reset();
      return;
    }
    if (end > start) this.#chunks.push(bytes.slice(start, end));
    if (endStream) this.#complete();
  }

  onTrailers(_stream: HttpStream, trailers: HeaderList): void {
    this.#trailers.appendAll(trailers);
    this.#complete();
  }

  onReset(_stream: HttpStream, failure: WireFailure): void {
    if (this.#status === 0 && !this.#over && this.#moves(failure)) this.#over = true;
    this.#finish(err(failure.message));
  }

  onDrain(): void {}

  onClose(): void {
    this.#finish(err("the connection closed before the answer was complete"));
  }

  #complete(): void {
    const body = Buffer.concat(this.#chunks);
    this.#finish(ok({ status: this.#status, headers: this.#headers, trailers: this.#trailers, body }));
  }

  #finish(result: Result<CollectedResponse>): void {
    if (this.#over) return;
    this.#over = true;
    this.#chunks = [];
    this.#done(result);
  }
}
