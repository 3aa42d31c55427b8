/**
 * An HTTP/1.1 client: each connection sends its next request when the answer is complete (closed loop), or all of them together at
 * a fixed rate; a fixed number of requests. Run as its own process: http1-client.ts PORT CONNECTIONS REQUESTS HOST [RATE [CHAIN KEY ROOT]].
 * Prints one JSON line.
 */
import { readFileSync } from "node:fs";
import type { Socket } from "bun";
import { createLatencies } from "./latencies.ts";

const [portText = "", connectionsText = "", requestsText = "", authority = "app", rateText = "0", chain, key, root] =
  process.argv.slice(2);
const connections = Number(connectionsText);
const requests = Number(requestsText);
/** Requests per second; 0: as fast as the answers come. */
const rate = Number(rateText);

const REQUEST = Buffer.from(
  `GET /api/list?limit=20 HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: heddle-bench\r\nAccept: application/json\r\n` +
    "Accept-Encoding: gzip\r\nX-Tenant: blue\r\n\r\n",
);

interface Session {
  /** When the request should have been sent: with a fixed rate waiting for a connection counts too. */
  dueMs: number;
  /** Bytes of the current answer that have not come; -1 before its head is complete. */
  left: number;
  head: string;
}

const latencies = createLatencies(requests);
const idle: Socket<Session>[] = [];
const waiting: number[] = [];
let started = 0;
let finished = 0;
let errors = 0;
let beganMs = 0;

function send(socket: Socket<Session>, dueMs: number): void {
  started++;
  socket.data.left = -1;
  socket.data.head = "";
  socket.data.dueMs = dueMs;
  socket.write(REQUEST);
}

function complete(socket: Socket<Session>): void {
  const nowMs = performance.now();
  latencies.add(nowMs - socket.data.dueMs);
  finished++;
  if (finished === requests) {
    latencies.print(beganMs, errors);
    process.exit(0);
  }
  const dueMs = waiting.shift();
  if (dueMs !== undefined) send(socket, dueMs);
  else if (rate > 0) idle.push(socket);
  else if (started < requests) send(socket, nowMs);
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

/** Sends what has become due since the last call; timers are coarser than the distance between two requests. */
function pace(): void {
  const nowMs = performance.now();
  const due = Math.min(requests, Math.floor(((nowMs - beganMs) * rate) / 1000));
  while (started + waiting.length < due) {
    const dueMs = beganMs + ((started + waiting.length) * 1000) / rate;
    const socket = idle.pop();
    if (socket === undefined) waiting.push(dueMs);
    else send(socket, dueMs);
  }
}

/** As a client's sidecar does it: the mesh's name for HTTP chooses the chain, the common one is for who does not know it. */
const tls =
  chain === undefined || key === undefined || root === undefined
    ? undefined
    : {
        cert: readFileSync(chain),
        key: readFileSync(key),
        ca: readFileSync(root),
        rejectUnauthorized: false,
        ALPNProtocols: "\x0eistio-http/1.1\x08http/1.1",
      };
let shaken = 0;
const sockets: Socket<Session>[] = [];
for (let i = 0; i < connections; i++) {
  sockets.push(
    await Bun.connect<Session>({
      hostname: "127.0.0.1",
      port: Number(portText),
      data: { dueMs: 0, left: -1, head: "" },
      ...(tls === undefined ? {} : { tls }),
      socket: {
        data: receive,
        handshake() {
          shaken++;
        },
        close() {
          if (finished === requests) return;
          console.error("a connection was closed before its answer; the proxy may have refused the request");
          process.exit(1);
        },
        error(_socket, error) {
          console.error(error.message);
          process.exit(1);
        },
      },
    }),
  );
}
while (tls !== undefined && shaken < connections) await Bun.sleep(5);
beganMs = performance.now();
if (rate > 0) {
  idle.push(...sockets);
  setInterval(pace, 1);
} else {
  for (const socket of sockets) if (started < requests) send(socket, performance.now());
}
