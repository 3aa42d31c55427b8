/** Servers that end their connections in good order while requests are on their way: what no server has looked at gets another connection. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { END_HEADERS, END_STREAM, frame, H2, H2_PREFACE, readFrames } from "./rig/h2-bytes.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw, type RawClient } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
const [plain = 0, ahead = 0, going = 0, adminPort = 0] = freePorts(4);
/** Istio's, which says nothing of connections that end. */
const RETRIES: Json = { retry_policy: { retry_on: "connect-failure,refused-stream,unavailable", num_retries: 2 } };
const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody";
const HELD = "GET /held HTTP/1.1\r\nhost: a\r\n\r\n";

let origin: Origin;
/** Sockets of requests for /held, which wait for their answers. */
const held: Socket[] = [];
let leaving: LeavingServer;
let proxy: ProxyProcess;

beforeAll(async () => {
  origin = await startOrigin(({ target, socket }) => {
    if (target === "/held") held.push(socket);
    else answer(socket);
  });
  leaving = await startLeaving();
  const clusters = [
    cluster("plain", [origin.port], "http1"),
    cluster("ahead", [origin.port], "http1", { preconnect_policy: { per_upstream_preconnect_ratio: 2 } }),
    cluster("going", [leaving.port], "http2"),
  ];
  const listeners = [
    listener("plain", plain, [httpFilterChain("plain", {}, RETRIES)]),
    listener("ahead", ahead, [httpFilterChain("ahead", {}, RETRIES)]),
    // No policy at all.
    listener("going", going, [httpFilterChain("going")]),
  ];
  proxy = await startProxy({ engine: "heddle", bootstrap: { static_resources: { clusters, listeners } }, adminPort });
});

afterAll(async () => {
  await proxy?.stop();
  origin?.close();
  leaving?.close();
});

describe("kept-alive connections that a server ends while a request is on its way", () => {
  test("a GET gets a new one, however many end together", async () => {
    // As servers do it: those that stood idle the same time are ended in one go, the newest first.
    expect(await askWhileEnding(plain, GET, await standing(plain, 6))).toStartWith("HTTP/1.1 200");
  });

  test("a POST of which nothing was sent gets a new one, and comes once", async () => {
    const sockets = await standing(plain, 1);
    const before = origin.requests.length;
    expect(await askWhileEnding(plain, POST, sockets)).toStartWith("HTTP/1.1 200");
    expect(origin.requests.slice(before).map(({ method, body }) => `${method} ${body}`)).toEqual(["POST body"]);
  });

  test("the same for one that was made ahead and never used", async () => {
    const before = origin.connections;
    const client = await connectRaw(ahead);
    client.send(HELD);
    await eventually(
      "the request and the connection ahead",
      () => held.length === 1 && origin.connections > before + 1,
    );
    await eventually("the proxy has both", async () => (await stat("cluster.ahead.upstream_cx_active")) > 1);
    const used = held.splice(0);
    const unused = [...origin.sockets].filter((socket) => !used.includes(socket));
    expect(await askWhileEnding(ahead, GET, unused)).toStartWith("HTTP/1.1 200");
    for (const socket of used) answer(socket);
    client.close();
  });
});

describe("an HTTP/2 connection that a server leaves", () => {
  test("a stream above the last one that GOAWAY names gets another connection, without any policy", async () => {
    const client = await connectRaw(going);
    client.send(GET);
    await client.until((text) => text.includes("200 OK"));
    client.send(GET);
    await eventually("both answers", () => client.received().split("HTTP/1.1 ").length === 3);
    expect(client.received().split("HTTP/1.1 200").length).toBe(3);
    expect(leaving.requests).toEqual([1, 2]);
    client.close();
  });
});

function answer(socket: Socket): void {
  socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

/** Makes the proxy keep `count` idle connections; gives their other ends, those that it takes next first. */
async function standing(port: number, count: number): Promise<readonly Socket[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) clients.push(await connectRaw(port));
  for (const client of clients) client.send(HELD);
  await eventually("all requests wait", () => held.length === count);
  const sockets = held.splice(0);
  for (const [i, socket] of sockets.entries()) {
    answer(socket);
    await eventually("its answer", () => clients.filter((one) => one.received().endsWith("ok")).length === i + 1);
  }
  for (const client of clients) client.close();
  return sockets.reverse();
}

/** Asks while the proxy stands still, then ends connections of its pool, so that it reads the request first and learns of the ends after it. */
async function askWhileEnding(port: number, request: string, sockets: readonly Socket[]): Promise<string> {
  expect(sockets.length).toBeGreaterThan(0);
  const clients = `listener.127.0.0.1_${port}.downstream_cx_total`;
  const before = await stat(clients);
  const client = await connectRaw(port);
  await eventually("the proxy has it", async () => (await stat(clients)) > before);
  process.kill(proxy.pid, "SIGSTOP");
  try {
    await eventually("the proxy stands still", () => standsStill(proxy.pid));
    await new Promise((sent) => client.socket.write(request, sent));
    for (const socket of sockets) {
      const { remotePort = 0 } = socket;
      socket.end();
      // The kernel answers for the process that stands still.
      await eventually("its end is there", () => tcpState(origin.port, remotePort) === FIN_WAIT2);
    }
  } finally {
    process.kill(proxy.pid, "SIGCONT");
  }
  const text = await client.until((all) => all.includes("\r\n\r\n"));
  client.close();
  return text;
}

/** Whether no thread runs. Source: proc(5), `stat`. */
function standsStill(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((id) => /\) T /.test(readFileSync(`${tasks}/${id}/stat`, "utf8")));
}

const FIN_WAIT2 = "05";

/** State of a local end of a connection. Source: proc(5), `/proc/net/tcp`. */
function tcpState(localPort: number, remotePort: number): string | undefined {
  const hex = (port: number) => `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, local = "", remote = ""]) => local.endsWith(hex(localPort)) && remote.endsWith(hex(remotePort)))?.[3];
}

async function stat(name: string): Promise<number> {
  const text = await (await proxy.admin(`/stats?filter=${name}`)).text();
  return Number(new RegExp(`${name}: (\\d+)`).exec(text)?.[1] ?? Number.NaN);
}

interface LeavingServer {
  readonly port: number;
  /** Numbers of the connections whose requests were answered. */
  readonly requests: readonly number[];
  close(): void;
}

/** Answers the first stream of each connection. At the second on the first connection it says that it has left after the first. */
async function startLeaving(): Promise<LeavingServer> {
  const requests: number[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const number = sockets.size;
    let text = "";
    let taken = 0;
    socket.on("error", () => undefined);
    socket.write(frame(H2.settings, 0, 0));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const frames = readFrames(text.slice(H2_PREFACE.length));
      for (const { type, stream } of frames.slice(taken)) {
        if (type !== H2.headers) continue;
        if (stream === 1) {
          requests.push(number);
          socket.write(frame(H2.headers, END_STREAM | END_HEADERS, stream, Buffer.from([0x88])));
        } else socket.write(frame(H2.goaway, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])));
      }
      taken = frames.length;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return {
    port: typeof at === "object" && at !== null ? at.port : 0,
    requests,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
