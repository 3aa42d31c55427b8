import type { WireFailure } from "../src/http/failure.ts";
import { type HeaderList, headerEntries } from "../src/http/header-list.ts";
import type { ResponseHead } from "../src/http/message-head.ts";
import type {
  ClientHost,
  HttpConnection,
  HttpStream,
  ServerHandler,
  ServerStream,
  StreamHandler,
} from "../src/http/stream.ts";

/** Writes down everything that a connection reports, so that tests compare text. */
export class Recorder implements StreamHandler, ServerHandler, ClientHost {
  readonly events: string[] = [];
  readonly streams: ServerStream[] = [];
  failures: WireFailure[] = [];
  closes = 0;
  halfCloses = 0;
  /** What a server does when a request (with its body) is complete. */
  respond: ((stream: ServerStream) => void) | undefined;
  readonly #bodies = new Map<number, string>();

  onRequest(stream: ServerStream, endStream: boolean, expectContinue: boolean): void {
    stream.handler = this;
    this.streams.push(stream);
    const r = stream.request;
    const flags = `${endStream ? " end" : ""}${expectContinue ? " expects-continue" : ""}`;
    const upgrade = r.protocol === "" ? "" : ` upgrade=${r.protocol}`;
    this.events.push(
      `request ${r.method} ${r.scheme}://${r.authority}${r.path}${upgrade}${flags} ${entries(r.headers)}`,
    );
    if (endStream) this.respond?.(stream);
  }

  onHead(stream: HttpStream, head: ResponseHead, endStream: boolean): void {
    this.events.push(`head ${stream.id} ${head.status}${endStream ? " end" : ""} ${entries(head.headers)}`);
  }

  onInformational(stream: HttpStream, head: ResponseHead): void {
    this.events.push(`info ${stream.id} ${head.status} ${entries(head.headers)}`);
  }

  onData(stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const text = Buffer.from(bytes.subarray(start, end)).toString("latin1");
    this.#bodies.set(stream.id, (this.#bodies.get(stream.id) ?? "") + text);
    if (endStream) this.#endBody(stream, "");
  }

  onTrailers(stream: HttpStream, trailers: HeaderList): void {
    this.#endBody(stream, ` trailers ${entries(trailers)}`);
  }

  onReset(stream: HttpStream, failure: WireFailure): void {
    this.events.push(`reset ${stream.id} ${failure.code}`);
  }

  onDrain(stream: HttpStream): void {
    this.events.push(`drain ${stream.id}`);
  }

  onClose(stream: HttpStream): void {
    this.events.push(`close ${stream.id}`);
  }

  wantsFlush(): void {}
  onCapacity(): void {}

  setReadPaused(): void {}

  wantsClose(): void {
    this.closes++;
  }

  wantsHalfClose(): void {
    this.halfCloses++;
  }

  onFailure(_connection: HttpConnection, failure: WireFailure): void {
    this.failures.push(failure);
    this.events.push(`failure ${failure.code} ${failure.status}`);
  }

  #endBody(stream: HttpStream, suffix: string): void {
    this.events.push(`body ${stream.id} ${JSON.stringify(this.#bodies.get(stream.id) ?? "")}${suffix}`);
    this.#bodies.delete(stream.id);
    const server = this.streams.find((s) => s === stream);
    if (server !== undefined) this.respond?.(server);
  }
}

export function entries(list: HeaderList): string {
  return headerEntries(list)
    .map(([name, value]) => `${name}=${value}`)
    .join("|");
}

/** Takes what waits in a connection's output, as latin1 text. */
export function takeOutput(connection: HttpConnection): string {
  const { output } = connection;
  const text = output.bytes.toString("latin1", output.start, output.end);
  output.consume(output.length);
  connection.drained();
  return text;
}

/** Feeds bytes in pieces: `sizes()` says how large each is. */
export function feedInPieces(connection: HttpConnection, bytes: Buffer, sizes: () => number): void {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + Math.max(1, sizes()));
    // A copy, because the connection owns what it gets.
    const piece = Buffer.from(bytes.subarray(at, end));
    connection.receive(piece, 0, piece.length);
    at = end;
  }
}
