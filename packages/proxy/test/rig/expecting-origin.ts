import { createServer as createStreams, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { createServer } from "node:net";

/** A server whose answers to `expect: 100-continue` are chosen by the path: `/continue`, `/final`, `/ignore`, `/hints`. */
export interface ExpectingOrigin {
  readonly port: number;
  /** By path: what it was asked with, and what came of the body before it answered. */
  readonly seen: Map<string, string>;
  close(): void;
}

const expectation = (value: string | undefined): string => (value === undefined ? "no expect" : value);

export async function startExpectingHttp1(): Promise<ExpectingOrigin> {
  const seen = new Map<string, string>();
  const server = createServer((socket) => {
    let text = "";
    let begun = false;
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = text.slice(0, end);
      const path = head.split(" ")[1] ?? "";
      if (!begun) {
        begun = true;
        seen.set(path, expectation(/^expect: (.*)$/im.exec(head)?.[1]));
        if (path.startsWith("/hints")) socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
        if (path.startsWith("/continue") || path.startsWith("/hints")) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
        if (path.startsWith("/final")) socket.write("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n");
      }
      if (!text.includes("hello", end)) return;
      if (!path.startsWith("/final")) {
        seen.set(path, `${seen.get(path)}, body`);
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      }
      text = "";
      begun = false;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return { port: typeof at === "object" && at !== null ? at.port : 0, seen, close: () => void server.close() };
}

export async function startExpectingHttp2(): Promise<ExpectingOrigin> {
  const seen = new Map<string, string>();
  const server = createStreams();
  server.on("checkContinue", () => undefined);
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => undefined);
    const path = String(headers[":path"]);
    const { expect } = headers;
    seen.set(path, expectation(expect));
    if (path.startsWith("/hints")) stream.additionalHeaders({ ":status": 103, link: "</a>" });
    if (path.startsWith("/continue") || path.startsWith("/hints")) stream.additionalHeaders({ ":status": 100 });
    if (path.startsWith("/final")) {
      stream.respond({ ":status": 417 }, { endStream: true });
      return;
    }
    let body = "";
    stream.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    stream.on("end", () => {
      if (body === "hello") seen.set(path, `${seen.get(path)}, body`);
      stream.respond({ ":status": 200 }, { endStream: true });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return { port: typeof at === "object" && at !== null ? at.port : 0, seen, close: () => void server.close() };
}
