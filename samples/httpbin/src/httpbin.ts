import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { hostname } from "node:os";
import { answer } from "./answers.ts";

/** Environment: PORT (default 8080). Ends on SIGTERM. */
const DEFAULT_PORT = 8080;
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
      response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(bytes) });
      return response.end(request.method === "HEAD" ? undefined : bytes);
    })
    .catch(() => response.destroy());
});
const port = Number(process.env["PORT"] ?? DEFAULT_PORT);
if (!(Number.isInteger(port) && port > 0 && port < 65_536)) {
  process.stderr.write(`PORT ${process.env["PORT"]} is no port (1 to 65535)\n`);
  process.exit(1);
}
server.listen(port, "0.0.0.0", () => process.stdout.write(`httpbin listens on port ${port}\n`));
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
