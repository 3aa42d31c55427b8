import { createServer, type Server, type Socket } from "node:net";
import { END_HEADERS, END_STREAM, fieldBlock, frame, H2, H2_PREFACE, readFrames } from "./h2-bytes.ts";

const head = (...fields: string[]): string => ["HTTP/1.1 200 OK", ...fields, "", ""].join("\r\n");

/** What an HTTP/1 server says of each path before it ends the connection; `reset`: it breaks it off. */
export const HTTP1_BREAKS: Readonly<
  Record<string, { readonly says: string; readonly reset?: true; readonly stays?: true }>
> = {
  "/nothing": { says: "" },
  "/nothing-reset": { says: "", reset: true },
  "/half-head": { says: "HTTP/1.1 200 OK\r\nfoo" },
  "/half-head-reset": { says: "HTTP/1.1 200 OK\r\nfoo", reset: true },
  "/garbage": { says: "no answer\r\n\r\n", stays: true },
  "/length": { says: `${head("content-length: 10")}abc` },
  "/length-reset": { says: `${head("content-length: 10")}abc`, reset: true },
  "/length-nothing": { says: head("content-length: 10") },
  "/chunk": { says: `${head("transfer-encoding: chunked")}5\r\nab` },
  "/chunk-reset": { says: `${head("transfer-encoding: chunked")}5\r\nab`, reset: true },
  "/chunk-size": { says: `${head("transfer-encoding: chunked")}2\r\nab\r\n5` },
  "/chunks": { says: `${head("transfer-encoding: chunked")}2\r\nab\r\n` },
  "/chunk-wrong": { says: `${head("transfer-encoding: chunked")}zz\r\n`, stays: true },
  "/trailers": { says: `${head("transfer-encoding: chunked")}2\r\nab\r\n0\r\nfoo: b` },
  "/until-end": { says: `${head()}abc` },
};

const OK = Buffer.from([0x88]);
const errorCode = (value: number): Buffer => Buffer.from([0, 0, 0, value]);
const some = Buffer.from("abc");
interface Http2Break {
  says(stream: number): readonly Buffer[];
  readonly ends?: "end" | "reset";
}
const opened = (stream: number, ...fields: [string, string][]): Buffer =>
  frame(H2.headers, END_HEADERS, stream, Buffer.concat([OK, fieldBlock(fields)]));

/** The same for HTTP/2. `ends`: how the connection does after it. */
export const HTTP2_BREAKS: Readonly<Record<string, Http2Break>> = {
  "/nothing": { says: () => [], ends: "end" },
  "/nothing-reset": { says: () => [], ends: "reset" },
  "/half-frame": { says: (id) => [opened(id).subarray(0, 5)], ends: "end" },
  "/data": { says: (id) => [opened(id), frame(H2.data, 0, id, some)], ends: "end" },
  "/data-reset": { says: (id) => [opened(id), frame(H2.data, 0, id, some)], ends: "reset" },
  "/length": { says: (id) => [opened(id, ["content-length", "10"]), frame(H2.data, END_STREAM, id, some)] },
  "/length-over": { says: (id) => [opened(id, ["content-length", "2"]), frame(H2.data, END_STREAM, id, some)] },
  "/rst-none": { says: (id) => [opened(id), frame(H2.rstStream, 0, id, errorCode(0))] },
  "/rst-protocol": { says: (id) => [opened(id), frame(H2.rstStream, 0, id, errorCode(1))] },
  "/rst-internal": { says: (id) => [opened(id), frame(H2.rstStream, 0, id, errorCode(2))] },
  "/rst-refused": { says: (id) => [opened(id), frame(H2.rstStream, 0, id, errorCode(7))] },
  "/rst-cancel": { says: (id) => [opened(id), frame(H2.rstStream, 0, id, errorCode(8))] },
  "/rst-connect": { says: (id) => [opened(id), frame(H2.rstStream, 0, id, errorCode(10))] },
  "/first-none": { says: (id) => [frame(H2.rstStream, 0, id, errorCode(0))] },
  "/first-protocol": { says: (id) => [frame(H2.rstStream, 0, id, errorCode(1))] },
  "/first-internal": { says: (id) => [frame(H2.rstStream, 0, id, errorCode(2))] },
  "/first-refused": { says: (id) => [frame(H2.rstStream, 0, id, errorCode(7))] },
  "/first-cancel": { says: (id) => [frame(H2.rstStream, 0, id, errorCode(8))] },
  "/wrong-frame": { says: (id) => [opened(id), frame(H2.data, 0, 0, some)] },
  "/wrong-field": { says: (id) => [opened(id, ["Upper", "x"])] },
  "/wrong-trailer": {
    says: (id) => [opened(id), frame(H2.headers, END_HEADERS | END_STREAM, id, fieldBlock([[":status", "200"]]))],
  },
  "/goaway": {
    says: (id) => [opened(id), frame(H2.goaway, 0, 0, Buffer.concat([errorCode(0), errorCode(0)]))],
    ends: "end",
  },
  "/goaway-first": { says: () => [frame(H2.goaway, 0, 0, Buffer.concat([errorCode(0), errorCode(0)]))] },
};

/** Ends answers where they should go on; over HTTP/1 also ends upgraded connections and tunnels as their first word says. */
export function breakingHttp1(): Server {
  return createServer((socket) => {
    socket.on("error", () => undefined);
    let text = "";
    let open = false;
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (!open) {
        if (text.startsWith("\x16")) {
          // A client that wants TLS.
          socket.end("no TLS here\r\n");
          return;
        }
        if (!/^(GET|POST) /.test(text)) {
          // What a CONNECT tunnel carries has no head.
          open = true;
        } else {
          const end = text.indexOf("\r\n\r\n");
          if (end < 0) return;
          const path = text.split(" ")[1] ?? "";
          if (/upgrade: websocket/i.test(text)) {
            socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
            open = true;
            text = text.slice(end + 4);
          } else {
            text = "";
            breakOff(socket, path);
            return;
          }
        }
      }
      const word = text;
      text = "";
      if (word === "end") socket.end("bye");
      else if (word === "reset") socket.resetAndDestroy();
      else if (word !== "") socket.write(word);
    });
  });
}

function breakOff(socket: Socket, path: string): void {
  const plan = HTTP1_BREAKS[path];
  if (path === "/silent") return;
  if (plan === undefined) {
    socket.write(`${head("content-length: 4")}fine`);
    return;
  }
  // What was said must have been read before the reset.
  if (plan.says !== "") socket.write(plan.says);
  if (plan.reset === true) setTimeout(() => socket.resetAndDestroy(), 100);
  else if (plan.stays !== true) socket.end();
}

/** Ends every answer in the one way. */
export function breakingHttp2({ says, ends }: Http2Break): Server {
  return createServer((socket) => {
    let text = "";
    let taken = 0;
    socket.on("error", () => undefined);
    socket.write(frame(H2.settings, 0, 0));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const frames = readFrames(text.slice(H2_PREFACE.length));
      for (const { type, flags, stream } of frames.slice(taken)) {
        if (type === H2.settings && flags !== 1) socket.write(frame(H2.settings, 1, 0));
        if (type !== H2.headers) continue;
        for (const bytes of says(stream)) socket.write(bytes);
        if (ends === "end") socket.end();
        if (ends === "reset") setTimeout(() => socket.resetAndDestroy(), 100);
      }
      taken = frames.length;
    });
  });
}
