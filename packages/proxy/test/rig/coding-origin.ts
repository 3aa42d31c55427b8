import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** What the server is to answer; travels as JSON in the header `x-answer`. */
export interface WantedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Base64. Default: 1000 bytes of text. */
  readonly body?: string;
  /** With a Content-Length; else chunked. Default: true. */
  readonly sized?: boolean;
  readonly trailers?: Readonly<Record<string, string>>;
}

export interface CodingOrigin {
  readonly port: number;
  close(): void;
}

/** Headers of requests that answers repeat, behind `x-seen-`. */
const SHOWN = ["accept-encoding", "content-encoding", "content-length", "transfer-encoding"];

/** A server that answers as it is asked to, and says what it got. */
export async function startCodingOrigin(): Promise<CodingOrigin> {
  // An idle connection that just ends would race with the next request.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(request, Buffer.concat(chunks), response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return {
    port: typeof at === "object" && at !== null ? at.port : 0,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(request: IncomingMessage, got: Buffer, response: ServerResponse): void {
  const wanted: WantedAnswer = JSON.parse(String(request.headers["x-answer"] ?? "{}"));
  for (const name of SHOWN) {
    const value = request.headers[name];
    if (value !== undefined) response.setHeader(`x-seen-${name}`, String(value));
  }
  if (got.length > 0) {
    const coding = request.headers["content-encoding"];
    const plain = coding === "gzip" ? gunzipSync(got) : coding === "zstd" ? zstdDecompressSync(got) : got;
    response.setHeader("x-seen-length", String(plain.length));
    response.setHeader("x-seen-shorter", String(got.length < plain.length));
    response.setHeader("x-seen-sum", createHash("sha256").update(plain).digest("hex").slice(0, 16));
  }
  for (const [name, value] of Object.entries(request.trailers))
    response.setHeader(`x-seen-trailer-${name}`, String(value));
  const body = request.url === "/echo" ? got : Buffer.from(wanted.body ?? DEFAULT_BODY, "base64");
  for (const [name, value] of Object.entries(wanted.headers ?? {})) response.setHeader(name, value);
  response.sendDate = false;
  const bodyless = request.method === "HEAD" || wanted.status === 204 || wanted.status === 304;
  if (wanted.sized !== false && wanted.status !== 204) response.setHeader("content-length", String(body.length));
  response.writeHead(wanted.status ?? 200);
  if (bodyless) response.end();
  else {
    if (wanted.trailers !== undefined) response.addTrailers(wanted.trailers);
    response.end(body);
  }
}

/** Text that compresses well. */
export const PLAIN_TEXT = Buffer.from("All work and no play makes Jack a dull boy.\n".repeat(23).slice(0, 1000));
const DEFAULT_BODY = PLAIN_TEXT.toString("base64");
