import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";

const DEFAULT_PORT = 9080;
const MAX_BODY = 64 * 1024;

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const json = (status: number, value: unknown): Answer => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});

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

/** Serves until SIGTERM. Environment: PORT (default 9080). */
export function serve(name: string, answer: (asked: Asked) => Answer | Promise<Answer>): void {
  const port = Number(process.env["PORT"] ?? DEFAULT_PORT);
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) {
    process.stderr.write(`PORT ${process.env["PORT"]} is no port (1 to 65535)\n`);
    process.exit(1);
  }
  const server = createServer((request, response) => {
    bodyOf(request)
      .then(async (body) => {
        if (body === undefined) return response.writeHead(413, { connection: "close" }).end();
        const { pathname: path } = new URL(request.url ?? "/", "http://bookinfo");
        const { method = "GET", headers } = request;
        const { status, headers: own, body: text } = await answer({ method, path, headers, body });
        response.writeHead(status, { ...own, "content-length": Buffer.byteLength(text) });
        return response.end(method === "HEAD" ? undefined : text);
      })
      .catch((error: unknown) => {
        process.stderr.write(`${name}: ${String(error)}\n`);
        response.destroy();
      });
  });
  server.listen(port, () => process.stdout.write(`${name} listens on port ${port}\n`));
  process.on("SIGTERM", () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
