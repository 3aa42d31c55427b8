import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { eventually } from "./eventually.ts";
import { connectRaw } from "./raw-client.ts";

/** A request of the protocol table. */
export interface TableRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: Buffer;
  /** With a Content-Length; else chunked or of unknown length. */
  readonly sized?: boolean;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TableAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string>>;
  /** The answer was cut off, and the client could tell. */
  readonly cut: boolean;
}

/** A byte stream after an upgrade. */
export interface Tunnel {
  send(text: string): void;
  finish(): void;
  received(): string;
  ended(): boolean;
}

/** One client, whatever the version. */
export interface TableClient {
  call(request: TableRequest): Promise<TableAnswer>;
  upgrade(path: string): Promise<Tunnel>;
}

export const http1Client = (port: number): TableClient => ({
  call: (request) => callHttp1(port, request),
  upgrade: async (path) => {
    const client = await connectRaw(port);
    client.send(`GET ${path} HTTP/1.1\r\nhost: app\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`);
    const head = await client.until((r) => r.includes("\r\n\r\n"));
    if (!head.startsWith("HTTP/1.1 101")) throw new Error(`no upgrade: ${head}`);
    const from = head.indexOf("\r\n\r\n") + 4;
    return {
      send: (text) => client.send(text),
      finish: () => void client.socket.end(),
      received: () => client.received().slice(from),
      ended: () => client.state() === "ended",
    };
  },
});

async function callHttp1(port: number, request: TableRequest): Promise<TableAnswer> {
  const { method, path, body, sized, trailers, headers = {} } = request;
  const client = await connectRaw(port);
  const end =
    trailers === undefined
      ? ""
      : Object.entries(trailers)
          .map(([k, v]) => `${k}: ${v}\r\n`)
          .join("");
  const own = Object.entries(headers)
    .map(([k, v]) => `${k}: ${v}\r\n`)
    .join("");
  const framing =
    body === undefined ? "" : sized ? `content-length: ${body.length}\r\n` : "transfer-encoding: chunked\r\n";
  client.send(`${method} ${path} HTTP/1.1\r\nhost: app\r\nconnection: close\r\n${own}${framing}\r\n`);
  if (body !== undefined && sized) client.send(body);
  else if (body !== undefined) {
    if (body.length > 0) {
      client.send(`${body.length.toString(16)}\r\n`);
      client.send(body);
      client.send("\r\n");
    }
    client.send(`0\r\n${end}\r\n`);
  }
  const text = await client.ended(20_000);
  client.close();
  return readHttp1(text, method);
}

function readHttp1(text: string, method: string): TableAnswer {
  const headEnd = text.indexOf("\r\n\r\n");
  const headers = fieldsOf(text.slice(0, headEnd).split("\r\n").slice(1));
  const status = Number(text.slice(9, 12));
  const rest = text.slice(headEnd + 4);
  const answer = (body: string, cut: boolean, trailers = {}) => ({
    status,
    headers,
    body: Buffer.from(body, "latin1"),
    trailers,
    cut,
  });
  if (method === "HEAD" || status === 204 || status === 304) return answer(rest, false);
  if (headers["content-length"] !== undefined) return answer(rest, rest.length < Number(headers["content-length"]));
  if (headers["transfer-encoding"] !== "chunked") return answer(rest, false);
  let body = "";
  for (let at = 0; ; ) {
    const line = rest.indexOf("\r\n", at);
    if (line < 0) return answer(body, true);
    const size = Number.parseInt(rest.slice(at, line), 16);
    if (size === 0) return answer(body, !rest.endsWith("\r\n\r\n"), fieldsOf(rest.slice(line + 2).split("\r\n")));
    body += rest.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

function fieldsOf(lines: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return fields;
}

export const http2Client = (port: number): TableClient => ({
  call: async (request) => {
    const session = await open(port);
    try {
      return await callHttp2(session, request);
    } finally {
      session.destroy();
    }
  },
  upgrade: async (path) => {
    const session = await open(port);
    await eventually("the peer's settings", () => session.remoteSettings?.enableConnectProtocol === true);
    const stream = session.request({
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":path": path,
      ":authority": "app",
      ":scheme": "http",
    });
    let received = "";
    let ended = false;
    const status = await new Promise<number>((resolve, reject) => {
      stream.on("response", (headers) => resolve(Number(headers[":status"])));
      stream.on("error", reject);
    });
    if (status !== 200) throw new Error(`no tunnel: ${status}`);
    stream.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
    });
    stream.on("end", () => {
      ended = true;
      session.destroy();
    });
    return {
      send: (text) => void stream.write(Buffer.from(text, "latin1")),
      finish: () => void stream.end(),
      received: () => received,
      ended: () => ended,
    };
  },
});

async function open(port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    session.once("connect", () => resolve());
    session.once("error", reject);
  });
  return session;
}

function callHttp2(session: ClientHttp2Session, request: TableRequest): Promise<TableAnswer> {
  const { method, path, body, sized, trailers, headers: own = {} } = request;
  const length = body !== undefined && sized === true ? { "content-length": body.length } : {};
  const stream: ClientHttp2Stream = session.request(
    { ":method": method, ":path": path, ":authority": "app", ...length, ...own },
    { endStream: body === undefined, ...(trailers === undefined ? {} : { waitForTrailers: true }) },
  );
  if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  if (body !== undefined) stream.end(body);
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders = {};
    let got: IncomingHttpHeaders = {};
    let failed = false;
    const chunks: Buffer[] = [];
    stream.on("response", (head) => {
      headers = head;
    });
    stream.on("trailers", (fields) => {
      got = fields;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {
      failed = true;
    });
    stream.on("close", () =>
      resolve({
        status: Number(headers[":status"]),
        headers: textFields(headers),
        body: Buffer.concat(chunks),
        trailers: textFields(got),
        cut: failed || stream.rstCode !== 0,
      }),
    );
  });
}

function textFields(fields: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, String(v)]));
}
