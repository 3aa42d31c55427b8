import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type Origin, startOrigin } from "./origin.ts";

const TOLD = /^(x-(?!request-id|forwarded|envoy)|content-length|content-type|host)/;

/** What an application saw of a request's head, in one line. */
function told(method: string, path: string, fields: readonly (readonly [string, string])[]): string {
  const kept = fields.filter(([name]) => TOLD.test(name)).map(([name, value]) => `${name}=${value}`);
  return `${method} ${path} ${kept.sort().join(" ")}`.trim();
}

/** HTTP/1: answers with the body it got, trailers, and what it saw of the head. `/plain`: a body of known length. */
export function startEchoH1(): Promise<Origin> {
  return startOrigin(({ method, target, head, body, trailers, socket }) => {
    const fields = head
      .split("\r\n")
      .slice(1)
      .map((line): [string, string] => {
        const colon = line.indexOf(":");
        const name = line.slice(0, colon).toLowerCase();
        return [name, line.slice(colon + 1).trim()];
      });
    const seen = told(method, target, fields);
    const send = (text: string): void => void socket.write(Buffer.from(text, "latin1"));
    if (target.startsWith("/plain")) {
      send(`HTTP/1.1 200 OK\r\nx-seen: ${seen}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    if (target.startsWith("/empty")) {
      send(`HTTP/1.1 200 OK\r\nx-seen: ${seen}\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const echo = /x-sum: (\S+)/.exec(trailers)?.[1] ?? "none";
    const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
    send(
      `HTTP/1.1 200 OK\r\nx-seen: ${seen}\r\ntransfer-encoding: chunked\r\n\r\n${chunk}0\r\nx-echo: ${echo}\r\n\r\n`,
    );
  });
}

/** The same over HTTP/2. */
export async function startEchoH2(): Promise<{ readonly port: number; close(): void }> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => undefined);
    const path = String(headers[":path"]);
    const fields = Object.entries(headers).map(([name, value]): [string, string] => [
      name === ":authority" ? "host" : name,
      String(value),
    ]);
    const seen = told(String(headers[":method"]), path, fields);
    let sum = "none";
    stream.on("trailers", (got: IncomingHttpHeaders) => {
      sum = String(got["x-sum"] ?? "none");
    });
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      if (stream.destroyed || stream.closed) return;
      const body = Buffer.concat(chunks);
      if (path.startsWith("/empty")) {
        stream.respond({ ":status": 200, "x-seen": seen, "content-length": 0 }, { endStream: true });
        return;
      }
      if (path.startsWith("/plain")) {
        stream.respond({ ":status": 200, "x-seen": seen, "content-length": body.length });
        stream.end(body);
        return;
      }
      stream.respond({ ":status": 200, "x-seen": seen }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-echo": sum }));
      stream.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return {
    port: typeof at === "object" && at !== null ? at.port : 0,
    close: () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
