/** A proxy that is asked to end: what is under way finishes, nothing new begins, and the process ends by itself. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:http2";
import { createServer, type Server } from "node:net";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type Pair, startPair } from "./rig/pair.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
let origin: Origin;
let echo: Server;
let pair: Pair<"web" | "tcp">;
const held: (() => void)[] = [];

beforeAll(async () => {
  origin = await startOrigin(({ target, socket }) => {
    const send = () => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    if (target === "/slow") held.push(send);
    else send();
  });
  echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
});

beforeEach(async () => {
  const at = echo.address();
  const echoPort = typeof at === "object" && at !== null ? at.port : 0;
  pair = await startPair({
    services: {
      web: { origin: origin.port, declared: "http" },
      tcp: { origin: echoPort, declared: "tcp" },
    },
  });
});

afterEach(async () => {
  await pair?.stop();
  held.length = 0;
});

afterAll(() => {
  origin?.close();
  echo?.close();
});

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const SLOW = "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n";

/** A connection with a request that the application has not answered yet. */
async function slowRequest() {
  const before = held.length;
  const client = await connectRaw(pair.ports.web.outbound);
  client.send(SLOW);
  await eventually("the request is at the application", () => held.length > before);
  return client;
}

describe("SIGTERM to the client's side", () => {
  test("HTTP/1: idle connections end, the running request finishes with connection: close, new connections are refused", async () => {
    const idle = await connectRaw(pair.ports.web.outbound);
    idle.send(GET);
    await idle.until((r) => r.endsWith("ok"));
    const busy = await slowRequest();
    pair.client.signal("SIGTERM");
    await idle.ended();
    expect(idle.state()).toBe("ended");
    await eventually("new connections are refused", () =>
      connectRaw(pair.ports.web.outbound).then(
        (client) => void client.close(),
        () => true,
      ),
    );
    held.pop()?.();
    const text = await busy.ended();
    expect(text).toStartWith("HTTP/1.1 200");
    expect(text).toContain("connection: close");
    expect(text).toEndWith("ok");
    expect(await pair.client.exited).toBe(0);
  });

  test("HTTP/2: GOAWAY, and the running stream finishes", async () => {
    const session = connect(`http://127.0.0.1:${pair.ports.web.outbound}`);
    let goaway = -1;
    let closed = false;
    session.on("goaway", (code) => {
      goaway = code;
    });
    session.on("close", () => {
      closed = true;
    });
    session.on("error", () => undefined);
    const stream = session.request({ ":method": "POST", ":path": "/", ":authority": "a" });
    let body = "";
    let reset = -1;
    stream.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    stream.on("error", () => undefined);
    stream.on("close", () => {
      reset = stream.rstCode;
    });
    stream.write("first half");
    await eventually("the stream is open", async () => {
      const stats = await (await pair.client.admin("/stats?filter=downstream_rq_active")).text();
      return /rq_active: 1/.test(stats);
    });
    pair.client.signal("SIGTERM");
    await eventually("GOAWAY", () => goaway === 0);
    stream.end("second half");
    await eventually("the end of the stream", () => reset >= 0);
    expect(reset).toBe(0);
    expect(body.length).toBeGreaterThan(0);
    await eventually("the end of the connection", () => closed);
    expect(await pair.client.exited).toBe(0);
  });

  test("TCP goes on until its own end", async () => {
    const tunnel = await connectRaw(pair.ports.tcp.outbound);
    tunnel.send("one");
    await tunnel.until((r) => r === "one");
    pair.client.signal("SIGTERM");
    await Bun.sleep(300);
    tunnel.send("two");
    await tunnel.until((r) => r === "onetwo");
    tunnel.close();
    expect(await pair.client.exited).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("a second signal ends at once, and be it %s", async (second) => {
    const busy = await slowRequest();
    pair.client.signal("SIGTERM");
    await eventually("it drains", () => pair.client.log().includes("draining"));
    const before = performance.now();
    pair.client.signal(second);
    await pair.client.exited;
    // The drain time is 25 s.
    expect(performance.now() - before).toBeLessThan(15_000);
    await busy.ended();
    expect(busy.received()).toBe("");
  });
});

describe("SIGTERM to the server's side", () => {
  test("the running request finishes through both, later ones get a clear 503", async () => {
    const busy = await slowRequest();
    pair.server.signal("SIGTERM");
    await eventually("it drains", () => pair.server.log().includes("draining"));
    held.pop()?.();
    expect(await busy.until((r) => r.endsWith("ok"))).toStartWith("HTTP/1.1 200");
    expect(await pair.server.exited).toBe(0);
    busy.send(GET);
    const text = await busy.until((r) => r.includes("HTTP/1.1 503"));
    expect(text).toContain("remote connection failure");
    busy.close();
  });
});

describe("drain by command", () => {
  test("POST /drain_listeners?graceful: ports stay open, each answer closes its connection", async () => {
    expect((await pair.client.admin("/drain_listeners?graceful")).status).toBe(405);
    expect((await pair.client.admin("/drain_listeners?graceful", { method: "POST" })).status).toBe(200);
    const client = await connectRaw(pair.ports.web.outbound);
    client.send(GET);
    const text = await client.ended();
    expect(text).toStartWith("HTTP/1.1 200");
    expect(text).toContain("connection: close");
  });

  test("POST /drain_listeners?inboundonly leaves outgoing traffic alone", async () => {
    await pair.client.admin("/drain_listeners?inboundonly", { method: "POST" });
    const client = await connectRaw(pair.ports.web.outbound);
    client.send(GET);
    expect(await client.until((r) => r.endsWith("ok"))).not.toContain("connection: close");
    client.close();
    await pair.server.admin("/drain_listeners?inboundonly", { method: "POST" });
    await eventually("the inbound port is closed", () =>
      connectRaw(pair.ports.web.inbound).then(
        (raw) => void raw.close(),
        () => true,
      ),
    );
  });

  test("POST /quitquitquit ends the process, after the running request", async () => {
    const busy = await slowRequest();
    expect((await pair.client.admin("/quitquitquit", { method: "POST" })).status).toBe(200);
    await eventually("it drains", () => pair.client.log().includes("draining"));
    held.pop()?.();
    expect(await busy.ended()).toEndWith("ok");
    expect(await pair.client.exited).toBe(0);
  });
});
