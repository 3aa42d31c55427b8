/**
 * The application behind the proxies, as small as a server can be; HTTP/1.1, HTTP/2 and gRPC on one port.
 * Run as its own process: app.ts PORT BODY_BYTES. `/headers` answers with the request's headers as JSON.
 */
import {
  type ConnectionHost,
  createHttp1Server,
  createHttp2Server,
  createResponseHead,
  type HttpConnection,
  type HttpStream,
  headerEntries,
  headerListOf,
  type ServerHandler,
  type ServerStream,
  type StreamHandler,
} from "@heddle/wire";
import { type Writer, writeAll } from "./write-all.ts";

const port = Number(process.argv[2]);
const body = Buffer.alloc(Number(process.argv[3] ?? 1024), 120);
const message = Buffer.concat([Buffer.from([0, 0, 0, body.length >> 8, body.length & 255]), body]);

const plainHead = createResponseHead();
plainHead.headers = headerListOf([
  ["content-type", "application/octet-stream"],
  ["content-length", String(body.length)],
]);
const grpcHead = createResponseHead();
grpcHead.headers = headerListOf([["content-type", "application/grpc"]]);
const grpcTrailers = headerListOf([["grpc-status", "0"]]);

class App implements ServerHandler, StreamHandler {
  onRequest(stream: ServerStream, endStream: boolean): void {
    stream.handler = this;
    if (endStream) this.#answer(stream);
  }

  onData(stream: HttpStream, _bytes: Uint8Array, _start: number, _end: number, endStream: boolean): void {
    // The handler of server streams gets server streams.
    if (endStream) this.#answer(stream as ServerStream);
  }

  #answer(stream: ServerStream): void {
    const { request } = stream;
    if (request.path === "/headers") {
      const text = Buffer.from(JSON.stringify(Object.fromEntries(headerEntries(request.headers))));
      const head = createResponseHead();
      head.headers = headerListOf([["content-length", String(text.length)]]);
      stream.sendHead(head, false);
      stream.sendData(text, 0, text.length, true);
      return;
    }
    if (request.headers.get("content-type") === "application/grpc") {
      stream.sendHead(grpcHead, false);
      stream.sendData(message, 0, message.length, false);
      stream.sendTrailers(grpcTrailers);
      return;
    }
    stream.sendHead(plainHead, false);
    stream.sendData(body, 0, body.length, true);
  }

  onHead(): void {}
  onInformational(): void {}
  onTrailers(): void {}
  onReset(): void {}
  onDrain(): void {}
  onClose(): void {}
}

interface Session {
  connection: HttpConnection | null;
}

interface NativeSocket extends Writer {
  readonly data: Session;
  end(): void;
}

const app = new App();
const server = Bun.listen<Session>({
  hostname: "127.0.0.1",
  port,
  socket: {
    open(socket) {
      socket.data = { connection: null };
    },
    data(socket, chunk) {
      socket.data.connection ??= serve(socket, chunk[0] === 0x50 && chunk[1] === 0x52);
      socket.data.connection.receive(chunk, 0, chunk.length);
      flush(socket);
    },
    drain: flush,
    close(socket) {
      socket.data.connection?.abort("closed");
    },
    error() {},
  },
});

function serve(socket: NativeSocket, http2: boolean): HttpConnection {
  const host: ConnectionHost = {
    wantsFlush() {},
    setReadPaused() {},
    wantsClose: () => socket.end(),
    wantsHalfClose() {},
    onFailure() {},
  };
  return http2 ? createHttp2Server({ maxConcurrentStreams: 1000 }, host, app) : createHttp1Server({}, host, app);
}

function flush(socket: NativeSocket): void {
  const { connection } = socket.data;
  if (connection !== null) writeAll(connection, socket);
}

console.log(`listening ${server.port}`);
