import { request } from "node:http";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { CodingCase } from "./coding-config.ts";

/** What a client got, in a form that two proxies must share. */
export interface CodedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  /** After undoing the coding; how many bytes, and the first of them. */
  readonly body: string;
}

/** Of no interest here, or each proxy's own. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "date",
  "server",
  "x-envoy-upstream-service-time",
  "connection",
  "keep-alive",
]);

/** Envoy puts the name of the first decompressor that it made into the trailers of all. */
const LIBRARY = /(x-envoy-decompressor-).*(-(?:un)?compressed-bytes)$/;

const UNDO: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** Sends a case on a connection of its own. */
export function askCoded(port: number, item: CodingCase): Promise<CodedAnswer> {
  return new Promise((resolve, reject) => {
    const { body, trailers } = item;
    const framing =
      body === undefined
        ? {}
        : item.sized
          ? { "content-length": String(body.length) }
          : { "transfer-encoding": "chunked" };
    const sent = request(
      {
        host: "127.0.0.1",
        port,
        method: item.method ?? "GET",
        path: item.path ?? "/",
        headers: { host: "app", "x-answer": JSON.stringify(item.answer ?? {}), ...framing, ...item.headers },
        agent: false,
        timeout: 8000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const headers: Record<string, string> = {};
          for (const [name, value] of Object.entries(response.headers))
            if (!LEFT_OUT.has(name)) headers[name] = String(value);
          resolve({
            status: response.statusCode ?? 0,
            headers: sorted(headers),
            trailers: sorted(response.trailers),
            body: undone(Buffer.concat(chunks), headers["content-encoding"] ?? ""),
          });
        });
        response.on("error", reject);
      },
    );
    sent.on("timeout", () => sent.destroy(new Error("no answer within 8 s")));
    sent.on("error", reject);
    if (body !== undefined) sent.write(body);
    if (trailers !== undefined) sent.addTrailers(trailers);
    sent.end();
  });
}

function undone(bytes: Buffer, coding: string): string {
  let plain = bytes;
  try {
    if (bytes.length > 0) plain = UNDO[coding]?.(bytes) ?? bytes;
  } catch {
    // Coded by the server, and not what it says.
  }
  return `${plain.length} ${plain.subarray(0, 40).toString("latin1")}`;
}

function sorted(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields)
      .map(([name, value]): [string, string] => [name.replace(LIBRARY, "$1LIB$2"), String(value)])
      .sort(([a], [b]) => a.localeCompare(b)),
  );
}
