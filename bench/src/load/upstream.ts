/** The application behind the proxies, as small as a server can be. Run as its own process: upstream.ts PORT BODY_BYTES. */
import {
  type ConnectionHost,
  createHttp1Server,
  createResponseHead,
  type HttpConnection,
  type HttpStream,
  headerListOf,
  type ServerHandler,
  type ServerStream,
  type StreamHandler,
} from "@heddle/wire";

const port = Number(process.argv[2]);
const body = Buffer.alloc(Number(process.argv[3] ?? 45), 120);

const response = createResponseHead();
response.headers = headerListOf([
  ["content-type", "application/octet-stream"],
  ["content-length", String(body.length)],
]);

class App implements ServerHandler, StreamHandler {
  onRequest(stream: ServerStream, endStream: boolean): void {
    stream.handler = this;
    if (endStream) this.#answer(stream);
    else this.#waiting = stream;
  }

  #waiting: ServerStream | null = null;

  onData(_stream: HttpStream, _bytes: Uint8Array, _start: number, _end: number, endStream: boolean): void {
    if (endStream && this.#waiting !== null) this.#answer(this.#waiting);
  }

  #answer(stream: ServerStream): void {
    stream.sendHead(response, false);
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

const app = new App();
const server = Bun.listen<Session>({
  hostname: "127.0.0.1",
  port,
  socket: {
    open(socket) {
      const host: ConnectionHost = {
        wantsFlush() {},
        setReadPaused() {},
        wantsClose: () => void socket.end(),
        wantsHalfClose() {},
        onFailure() {},
      };
      socket.data = { connection: createHttp1Server({}, host, app) };
    },
    data(socket, chunk) {
      const { connection } = socket.data;
      connection?.receive(chunk, 0, chunk.length);
      flush(socket);
    },
    drain: flush,
    close(socket) {
      socket.data.connection?.abort("closed");
    },
    error() {},
  },
});

function flush(socket: { data: Session; write(bytes: Uint8Array, offset: number, length: number): number }): void {
  const { connection } = socket.data;
  if (connection === null) return;
  const { output } = connection;
  if (output.length > 0) output.consume(Math.max(0, socket.write(output.bytes, output.start, output.length)));
  connection.drained();
}

console.log(`listening ${server.port}`);
