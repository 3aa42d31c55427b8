import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import { createHeaderList, type HeaderList, headerListOf } from "../src/http/header-list.ts";
import type { HttpOptions } from "../src/http/http-options.ts";
import { createResponseHead } from "../src/http/message-head.ts";
import type {
  ClientConnection,
  ClientHost,
  ConnectionHost,
  HttpConnection,
  HttpStream,
  ServerHandler,
  ServerStream,
  StreamHandler,
} from "../src/http/stream.ts";

/** The smallest binding of a connection to a socket; the proxy has a faster one. */
class SocketBinding implements ClientHost {
  readonly #socket: Socket;
  connection: HttpConnection | null = null;
  #closing = false;
  failure = "";

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      if (typeof chunk !== "string") this.connection?.receive(chunk, 0, chunk.length);
    });
    socket.on("end", () => {
      this.connection?.receiveEnd();
      this.flush();
    });
    socket.on("error", () => {});
    socket.on("close", () => this.connection?.abort("the socket closed"));
    socket.on("drain", () => this.connection?.drained());
  }

  wantsFlush(): void {
    queueMicrotask(() => this.flush());
  }

  flush(): void {
    const output = this.connection?.output;
    if (output === undefined) return;
    while (output.length > 0) {
      const ready = this.#socket.write(Buffer.from(output.bytes.subarray(output.start, output.end)));
      output.consume(output.length);
      if (!ready) break;
      this.connection?.drained();
    }
    if (this.#closing) this.#socket.end();
  }

  wantsClose(): void {
    this.#closing = true;
    queueMicrotask(() => this.flush());
  }

  wantsHalfClose(): void {
    queueMicrotask(() => {
      this.flush();
      this.#socket.end();
    });
  }

  setReadPaused(_connection: HttpConnection, paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  onFailure(_connection: HttpConnection, failure: { readonly message: string }): void {
    this.failure = failure.message;
  }

  onCapacity(): void {}
}

export type MakeServer = (options: HttpOptions, host: ConnectionHost, handler: ServerHandler) => HttpConnection;
export type MakeClient = (options: HttpOptions, host: ClientHost) => ClientConnection;

/** Serves connections on a free port of 127.0.0.1. */
export async function serve(
  make: MakeServer,
  handler: ServerHandler,
  port = 0,
): Promise<{ port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const binding = new SocketBinding(socket);
    binding.connection = make({}, binding, handler);
    binding.flush();
  });
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, server };
}

/** Opens a client connection. */
export async function dial(make: MakeClient, port: number): Promise<{ connection: ClientConnection; socket: Socket }> {
  const socket = netConnect(port, "127.0.0.1");
  await new Promise<void>((done, failed) => {
    socket.once("connect", done);
    socket.once("error", failed);
  });
  socket.setNoDelay(true);
  const binding = new SocketBinding(socket);
  const connection = make({}, binding);
  binding.connection = connection;
  binding.flush();
  return { connection, socket };
}

/**
 * An application for tests: `/echo` sends the body back with trailers that the request had, `/big/N` sends N bytes, all else "hello".
 */
export class EchoApp implements ServerHandler, StreamHandler {
  onRequest(stream: ServerStream, endStream: boolean): void {
    stream.handler = this;
    const head = createResponseHead();
    const { path, method, protocol } = stream.request;
    if (protocol !== "") {
      head.status = 101;
      head.protocol = protocol;
      stream.sendHead(head, false);
      return;
    }
    if (path === "/echo") {
      head.headers = headerListOf([["x-method", method]]);
      const type = stream.request.headers.get("content-type");
      if (type !== undefined) head.headers.append("content-type", type);
      stream.sendHead(head, endStream);
      return;
    }
    const big = /^\/big\/(\d+)$/.exec(path);
    const body = big === null ? Buffer.from("hello") : Buffer.alloc(Number(big[1]), 97);
    head.headers = createHeaderList();
    head.headers.append("content-length", String(body.length));
    const headOnly = method === "HEAD";
    stream.sendHead(head, headOnly);
    if (!headOnly) stream.sendData(body, 0, body.length, true);
  }

  onData(stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (!stream.sendClosed && !stream.sendData(bytes, start, end, endStream)) stream.pause();
  }

  onTrailers(stream: HttpStream, trailers: HeaderList): void {
    if (!stream.sendClosed) stream.sendTrailers(trailers);
  }

  onDrain(stream: HttpStream): void {
    stream.resume();
  }

  onHead(): void {}
  onInformational(): void {}
  onReset(): void {}
  onClose(): void {}
}
