import { createServer } from "node:http";
import { hostname } from "node:os";
import { hello } from "./hello.ts";

const DEFAULT_PORT = 5000;

const port = Number(process.env["PORT"] ?? DEFAULT_PORT);
if (!(Number.isInteger(port) && port > 0 && port < 65_536)) {
  process.stderr.write(`PORT ${process.env["PORT"]} is no port (1 to 65535)\n`);
  process.exit(1);
}
const version = process.env["SERVICE_VERSION"] ?? "unknown";
const server = createServer((request, response) => {
  request.resume();
  const { status, text } = hello((request.url ?? "/").split("?")[0] ?? "/", version, hostname());
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", "content-length": Buffer.byteLength(text) });
  response.end(request.method === "HEAD" ? undefined : text);
});
server.listen(port, () => process.stdout.write(`helloworld ${version} listens on port ${port}\n`));
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
