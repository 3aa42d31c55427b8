import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { hostname } from "node:os";
import { answer } from "./answers.ts";
import { logLine, readOptions } from "./options.ts";

/** Options: options.ts. Ends on SIGTERM. */
const MAX_BODY = 1024 * 1024;

function headersOf(request: IncomingMessage): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = (request.rawHeaders[i] ?? "").replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    found[name] = [...(found[name] ?? []), request.rawHeaders[i + 1] ?? ""];
  }
  return found;
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const options = readOptions(process.argv.slice(2), process.env);
if (typeof options === "string") {
  process.stderr.write(`${options}\n`);
  process.exit(1);
}
const { host, port, accessLog } = options;

function tell(request: IncomingMessage, status: number, bytes: number): void {
  const { method = "", url = "", httpVersion, headers, socket } = request;
  const requestLine = `${method} ${url} HTTP/${httpVersion}`;
  const { referer, "user-agent": agent } = headers;
  const peer = socket.remoteAddress ?? "-";
  process.stdout.write(logLine({ peer, at: new Date(), requestLine, status, bytes, referer, agent }));
}

const server = createServer((request, response) => {
  bodyOf(request)
    .then(async (body) => {
      if (body === undefined) return response.writeHead(413, { connection: "close" }).end();
      const asked = {
        method: request.method ?? "GET",
        url: request.url ?? "/",
        headers: headersOf(request),
        origin: request.socket.remoteAddress ?? "",
        body,
      };
      const { status, headers, body: bytes, delayMs } = answer(asked, { hostname: hostname(), newId: randomUUID });
      if (delayMs > 0) await Bun.sleep(delayMs);
      const length = Buffer.byteLength(bytes);
      if (accessLog) tell(request, status, length);
      response.writeHead(status, { ...headers, "content-length": length });
      return response.end(request.method === "HEAD" ? undefined : bytes);
    })
    .catch(() => response.destroy());
});
server.listen(port, host, () => process.stdout.write(`httpbin listens on port ${port}\n`));
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
