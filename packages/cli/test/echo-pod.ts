import { createSocket } from "node:dgram";
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createConnection, createServer } from "node:net";

/**
 * The program of the test pods: answers HTTP/1.1 on 8080, HTTP/2 with trailers on 8081, TCP on 9000 (echo) and 9001 (the server speaks first),
 * takes StatsD's lines on 9125, and makes calls to other pods when it is asked to on 8080.
 */
const name = process.env["ECHO_NAME"] ?? "echo";
/** What goes on in the background: `hold` (a TCP connection) and `load` (requests one after the other). */
const background = { ok: 0, failed: 0, closed: false, lastError: "" };

createServer((socket) => {
  socket.on("error", () => undefined);
  socket.pipe(socket);
}).listen(9000);

createServer((socket) => {
  socket.on("error", () => undefined);
  socket.write(`220 ${name} at your service\n`);
}).listen(9001);

createHttp2Server()
  .on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("end", () => stream.end(JSON.stringify({ name, headers })));
    stream.resume();
  })
  .listen(8081);

/** The last value of each statistic. */
const statsd = new Map<string, string>();
createSocket("udp4")
  .on("message", (text) => {
    for (const line of String(text).split("\n")) statsd.set(line.slice(0, line.lastIndexOf(":")), line);
  })
  .bind(9125, "127.0.0.1");

let ill = false;

const routes: Readonly<Record<string, (query: URLSearchParams, request: Request) => unknown>> = {
  "/health": () => {
    if (ill) throw new Error("ill");
    return name;
  },
  "/ill": (query) => {
    ill = query.get("now") === "true";
  },
  "/echo": (_query, request) => ({ name, headers: Object.fromEntries(request.headers) }),
  "/call": async (query) => {
    const response = await fetch(query.get("url") ?? "", { signal: AbortSignal.timeout(5000) });
    return { status: response.status, body: await response.text(), headers: Object.fromEntries(response.headers) };
  },
  "/http2": (query) => callHttp2(query.get("url") ?? ""),
  "/tcp": (query) => callTcp(query.get("host") ?? "", Number(query.get("port")), query.get("say") ?? ""),
  "/hold": (query) => hold(query.get("host") ?? "", Number(query.get("port"))),
  "/load": (query) => void load(query.get("url") ?? ""),
  "/background": () => background,
  "/statsd": () => [...statsd.values()],
};

Bun.serve({
  port: 8080,
  idleTimeout: 30,
  async fetch(request) {
    const url = new URL(request.url);
    const route = routes[url.pathname];
    if (!route) return new Response("no such path\n", { status: 404 });
    try {
      return Response.json((await route(url.searchParams, request)) ?? {});
    } catch (error) {
      return Response.json({ error: String(error) }, { status: 502 });
    }
  },
});

function callHttp2(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(url);
    session.on("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": "/x.Echo/Say",
      te: "trailers",
      "content-type": "application/grpc",
    });
    const answer = { status: 0, body: "", grpcStatus: "" };
    stream.on("response", (headers) => {
      answer.status = Number(headers[":status"]);
    });
    stream.on("trailers", (trailers) => {
      answer.grpcStatus = String(trailers["grpc-status"]);
    });
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      answer.body += text;
    });
    stream.on("error", reject);
    stream.on("end", () => {
      session.close();
      resolve(answer);
    });
    stream.end("hello");
    setTimeout(() => reject(new Error("no answer within 5 s")), 5000).unref();
  });
}

/** Sends `say` (nothing when the server speaks first) and gives the first bytes that come back. */
function callTcp(host: string, port: number, say: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port }, () => say && socket.write(say));
    socket.once("data", (bytes) => {
      resolve({ said: bytes.toString() });
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed without a byte")));
    setTimeout(() => reject(new Error("no byte within 5 s")), 5000).unref();
  });
}

/** Keeps one connection and says a word on it again and again. */
function hold(host: string, port: number): void {
  const socket = createConnection({ host, port });
  socket.on("data", () => {
    background.ok++;
  });
  socket.on("error", (error) => {
    background.lastError = String(error);
  });
  socket.on("close", () => {
    background.closed = true;
  });
  setInterval(() => socket.write("tick"), 100);
}

async function load(url: string): Promise<never> {
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
      await response.text();
      if (response.ok) background.ok++;
      else {
        background.failed++;
        background.lastError = `HTTP ${response.status}`;
      }
    } catch (error) {
      background.failed++;
      background.lastError = String(error);
    }
    await Bun.sleep(20);
  }
}
