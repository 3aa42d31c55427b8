import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";

/** The HTTP/2 application of the tables: the same answers as the HTTP/1 one. */
export interface H2Origin {
  readonly port: number;
  /** Requests by path. */
  readonly seen: readonly string[];
  close(): void;
}

export async function startH2Origin(): Promise<H2Origin> {
  const seen: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const server = createServer({ settings: { enableConnectProtocol: true } });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => undefined);
    const path = String(headers[":path"]);
    seen.push(path);
    if (headers[":method"] === "CONNECT") {
      stream.respond({ ":status": 200 });
      stream.on("data", (chunk: Buffer) => void stream.write(chunk));
      stream.on("end", () => stream.end("bye"));
      return;
    }
    serve(stream, headers, path, cut);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return {
    port: typeof at === "object" && at !== null ? at.port : 0,
    seen,
    close: () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, path: string, cut: () => void): void {
  const [, what = "", argument = ""] = path.split("/");
  if (what === "status") {
    stream.respond({ ":status": Number(argument), "x-app": "yes" }, { endStream: true });
    return;
  }
  if (what === "head") {
    stream.respond({ ":status": 200, "content-length": 99 }, { endStream: true });
    return;
  }
  if (what === "bytes") {
    stream.respond({ ":status": 200 });
    stream.end(Buffer.alloc(Number(argument), 98));
    return;
  }
  if (what === "cut") {
    stream.respond({ ":status": 200 });
    stream.write(Buffer.alloc(1000, 99));
    // This runtime's `close(code)` and `destroy()` end the stream in good order first: cut the sockets themselves.
    setTimeout(cut, 50);
    return;
  }
  if (what === "never") return;
  let trailer = "";
  stream.on("trailers", (got: IncomingHttpHeaders) => {
    trailer = String(got["x-sum"] ?? "");
  });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    stream.respond({ ":status": 200, "x-method": String(headers[":method"]) }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-echo": trailer === "" ? "none" : trailer }));
    stream.end(Buffer.concat(chunks));
  });
}
