/**
 * A closed-loop HTTP/1.1 client: each connection sends its next request when the answer is complete, until a fixed number of
 * requests is done. Run as its own process: load-client.ts PORT CONNECTIONS REQUESTS HOST. Prints one JSON line.
 */
import type { Socket } from "bun";

const [portText = "", connectionsText = "", requestsText = "", authority = "app"] = process.argv.slice(2);
const connections = Number(connectionsText);
const requests = Number(requestsText);

const REQUEST = Buffer.from(
  `GET /api/list?limit=20 HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: heddle-bench\r\nAccept: application/json\r\n` +
    "Accept-Encoding: gzip\r\nX-Tenant: blue\r\n\r\n",
);

interface Session {
  sentAtMs: number;
  /** Bytes of the current answer that have not come; -1 before its head is complete. */
  left: number;
  head: string;
}

const latencies = new Float64Array(requests);
let started = 0;
let finished = 0;
let errors = 0;
let beganMs = 0;

function send(socket: Socket<Session>): void {
  if (started >= requests) {
    socket.end();
    return;
  }
  started++;
  socket.data.left = -1;
  socket.data.head = "";
  socket.data.sentAtMs = performance.now();
  socket.write(REQUEST);
}

function complete(socket: Socket<Session>): void {
  latencies[finished] = performance.now() - socket.data.sentAtMs;
  finished++;
  if (finished === requests) report();
  else send(socket);
}

function receive(socket: Socket<Session>, chunk: Buffer): void {
  const { data } = socket;
  if (data.left < 0) {
    data.head += chunk.toString("latin1");
    const end = data.head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = data.head.slice(0, end).toLowerCase();
    if (!head.startsWith("http/1.1 200")) errors++;
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    if (length === undefined)
      throw new Error(`an answer without content-length: ${JSON.stringify(data.head.slice(0, 300))}`);
    data.left = Number(length) - (data.head.length - end - 4);
  } else {
    data.left -= chunk.length;
  }
  if (data.left <= 0) complete(socket);
}

function report(): void {
  const seconds = (performance.now() - beganMs) / 1000;
  latencies.sort();
  const at = (q: number) => latencies[Math.min(requests - 1, Math.floor(q * requests))] ?? 0;
  console.log(
    JSON.stringify({ requests, errors, seconds, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) }),
  );
  process.exit(0);
}

const sockets: Socket<Session>[] = [];
for (let i = 0; i < connections; i++) {
  sockets.push(
    await Bun.connect<Session>({
      hostname: "127.0.0.1",
      port: Number(portText),
      data: { sentAtMs: 0, left: -1, head: "" },
      socket: {
        data: receive,
        close() {
          if (finished < requests && started < requests) {
            console.error("a connection was closed before its answer; the proxy may have refused the request");
            process.exit(1);
          }
        },
        error(_socket, error) {
          console.error(error.message);
          process.exit(1);
        },
      },
    }),
  );
}
beganMs = performance.now();
for (const socket of sockets) send(socket);
