// Hot path: the seam between the codecs and the proxy. README.md explains it with a picture.
import type { OutputBuffer } from "../output-buffer.ts";
import type { WireFailure } from "./failure.ts";
import type { HeaderList } from "./header-list.ts";
import type { RequestHead, ResponseHead } from "./message-head.ts";
import type { StreamBytes } from "./stream-bytes.ts";

/**
 * One exchange on a connection: what arrives goes to `handler`, what is sent goes through the methods.
 * HTTP/1 has one at a time, HTTP/2 many.
 *
 * Order of calls to a server stream's handler: (`onRequest` of the connection), `onData`*, then `onTrailers` or the
 * `endStream` flag of the last call; at any point instead `onReset`. Client: `onInformational`*, `onHead`, `onData`*, ….
 * In all cases `onClose` comes last, once, when both directions are done; nothing arrives after it, and heads, header lists and the
 * stream itself must not be used after it. After `onReset` sending is a no-op.
 */
export interface HttpStream {
  handler: StreamHandler;
  /** HTTP/2 stream id; a running number on HTTP/1 connections. */
  readonly id: number;
  readonly connection: HttpConnection;

  /**
   * Sends body bytes; they are copied before it returns. The bytes `bytes[start, end)` may be empty, to end the stream only.
   * Returns false when the peer is slow: stop until `onDrain` (data sent regardless is still queued).
   */
  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean;
  /** Ends the stream with trailers. On HTTP/1 without chunked framing they are dropped. */
  sendTrailers(trailers: HeaderList): void;
  /**
   * Gives up on the exchange. HTTP/2: RST_STREAM `h2Code` (default CANCEL; NO_ERROR after a complete response tells the client to stop
   * uploading). HTTP/1: the connection closes. Calls `onReset` with code `local`, then `onClose`, before it returns.
   */
  reset(h2Code?: number): void;

  /**
   * Stops the flow towards `onData` until `resume` (nestable calls are not counted). HTTP/2: the stream's window is not renewed, so up to
   * one window may still arrive. HTTP/1: the connection asks its transport to stop reading; data of the current read may still arrive.
   */
  pause(): void;
  resume(): void;

  /** Bytes of body accepted by `sendData` that have not been handed to the transport. */
  readonly bufferedBytes: number;
  /** All of the peer's message has arrived. */
  readonly receiveClosed: boolean;
  /** All of our message was handed to `send…`. */
  readonly sendClosed: boolean;
  /** Put together when asked for; right until `onClose` returns. Undefined: nobody counts. */
  readonly wireBytes: StreamBytes | undefined;
}

/** Receives what arrives. One object may serve many streams: each call names its stream. */
export interface StreamHandler {
  /** Client only: the final response head. Valid until `onClose`. */
  onHead(stream: HttpStream, head: ResponseHead, endStream: boolean): void;
  /** Client only: 100, 103, … (never 101, which is a final head). Valid during the call. */
  onInformational(stream: HttpStream, head: ResponseHead): void;
  /** Body bytes `bytes[start, end)`; valid during the call only, so send or copy them. May be empty with `endStream`. */
  onData(stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  /** The message ends with trailers. Valid during the call. */
  onTrailers(stream: HttpStream, trailers: HeaderList): void;
  /** The message will not be completed. */
  onReset(stream: HttpStream, failure: WireFailure): void;
  /** After `sendData` returned false: there is room again. */
  onDrain(stream: HttpStream): void;
  /** Last call: release everything. */
  onClose(stream: HttpStream): void;
}

/** The server's end of an exchange. */
export interface ServerStream extends HttpStream {
  readonly request: RequestHead;
  /**
   * Sends 100, 103, ….
   */
  sendInformational(head: ResponseHead): void;
  /**
   * Sends the response head. Framing follows by itself: a `content-length` header is honoured (and the body checked against it),
   * else HTTP/1.1 uses chunks and HTTP/1.0 closes. Status 101 with `protocol` switches both directions to raw bytes.
   */
  sendHead(head: ResponseHead, endStream: boolean): void;
}

/** Asks the peer for signs of life. Source: RFC 9113 6.7. */
export interface Pings {
  /** Sends a PING, unless one is under way. */
  ping(): void;
  /** One was sent and is not answered yet. */
  readonly pingPending: boolean;
}

/** What one connection has in common for all versions and roles: bytes in, bytes out, no sockets. */
export interface HttpConnection {
  readonly version: number;
  /** HTTP/2 only. */
  readonly pings?: Pings;
  /** Bytes for the transport. See `ConnectionHost.wantsFlush`. */
  readonly output: OutputBuffer;

  /** Bytes from the peer. The memory belongs to the connection from now on: header lists point into it. */
  receive(bytes: Uint8Array, start: number, end: number): void;
  /** The peer will send no more (FIN, TLS close_notify). */
  receiveEnd(): void;
  /** The transport is gone: every stream is reset (`connection-closed`). Idempotent. */
  abort(message: string): void;
  /** The transport has taken bytes out of `output`; wakes streams that wait for room. */
  drained(): void;
  /** Graceful end: no new streams; HTTP/1 `connection: close`, HTTP/2 GOAWAY. `shouldClose` turns true when the last stream is done. */
  shutdown(): void;

  /** Once true and `output` is empty, the transport must close. Never turns false again. */
  readonly shouldClose: boolean;
  /** Streams in progress. */
  readonly activeStreams: number;
  /** A head has begun to arrive and is incomplete: the time for a request-header timeout. */
  readonly headPending: boolean;
}

/** What a connection asks of its surroundings; implemented by the proxy's transport binding. */
export interface ConnectionHost {
  /** `output` went from empty to non-empty: flush before the turn ends. Called once per fill. */
  wantsFlush(connection: HttpConnection): void;
  /** Stop or continue reading from the socket (HTTP/1 back-pressure). Bytes received meanwhile are queued. */
  setReadPaused(connection: HttpConnection, paused: boolean): void;
  /** `shouldClose` turned true: close after the output is flushed. */
  wantsClose(connection: HttpConnection): void;
  /** After an upgrade our direction ended: half-close (FIN, close_notify) after the output is flushed; the peer may still send. */
  wantsHalfClose(connection: HttpConnection): void;
  /** The peer broke the protocol. The connection answers and closes by itself; this is for metrics and log. */
  onFailure(connection: HttpConnection, failure: WireFailure): void;
}

/** Receives the requests of a server connection. */
export interface ServerHandler {
  /**
   * A request has arrived; set `stream.handler` before returning. `stream.request` is valid until `onClose`.
   * `expectContinue`: the client waits for `100 Continue` (the header stays in the list; answer, or forward it).
   */
  onRequest(stream: ServerStream, endStream: boolean, expectContinue: boolean): void;
}

/** The client's end of a connection. */
export interface ClientConnection extends HttpConnection {
  /** How many more requests may be started now: HTTP/1 0 or 1; HTTP/2 by the peer's limit; 0 once it is shutting down. */
  readonly capacity: number;
  /** Whether requests with `protocol` may be sent: always over HTTP/1; over HTTP/2 when the peer's SETTINGS offer RFC 8441. */
  readonly supportsUpgrade: boolean;
  /** Starts an exchange. Errors: throws when `capacity` is 0, which is a bug of the pool. */
  request(head: RequestHead, endStream: boolean, handler: StreamHandler): HttpStream;
}

/** Further events of a client connection; for its pool. */
export interface ClientHost extends ConnectionHost {
  /** `capacity` grew from zero, or shrank to zero for good (GOAWAY, `connection: close`). */
  onCapacity(connection: ClientConnection): void;
}
