/** HTTP/1.1 through a pair of sidecars with mTLS between them, byte for byte at both ends. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { MESH_ALPN_BY_FILTER } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { type ArrivedRequest, headerOf, type Origin, startOrigin } from "./rig/origin.ts";
import { type Pair, startPair } from "./rig/pair.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
/** Kernels let the receive buffers of the three connections grow to this much in all. Units: bytes. */
const KERNEL_BYTES = 64 * 1024 * 1024;
/** How long several times as much may take on a busy machine. Units: ms. */
const LARGE_MS = 100_000;
let origin: Origin;
let pair: Pair<"http" | "undeclared" | "multiplexed">;
/** Bytes of /big that the application's socket has taken. */
let bigWritten = 0;
let uploadRead = 0;
/** Connections of /slow-reader, which do not read yet. */
const slowReaders: Socket[] = [];

beforeAll(async () => {
  origin = await startOrigin(answer, onHead);
  pair = await startPair({
    services: {
      http: { origin: origin.port, declared: "http" },
      undeclared: { origin: origin.port, declared: "sniff" },
      multiplexed: { origin: origin.port, declared: "http", manager: MESH_ALPN_BY_FILTER },
    },
  });
});

afterAll(async () => {
  await pair?.stop();
  origin?.close();
});

function answer({ target, method, body, trailers, head, socket }: ArrivedRequest): void {
  const send = (text: string) => void socket.write(Buffer.from(text, "latin1"));
  const path = target.split("?")[0] ?? "";
  switch (path) {
    case "/chunked":
      send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n5\r\nhello\r\n");
      setTimeout(() => send("6\r\n world\r\n0\r\nx-sum: 11\r\n\r\n"), 30);
      return;
    case "/head":
      send("HTTP/1.1 200 OK\r\ncontent-length: 12345\r\nx-app: yes\r\n\r\n");
      return;
    case "/204":
      send("HTTP/1.1 204 No Content\r\nx-app: yes\r\n\r\n");
      return;
    case "/304":
      send('HTTP/1.1 304 Not Modified\r\netag: "a"\r\ncontent-length: 777\r\n\r\n');
      return;
    case "/until-close":
      socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end");
      return;
    case "/old":
      socket.end("HTTP/1.0 200 OK\r\n\r\nfrom the nineties");
      return;
    case "/close":
      socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
      return;
    case "/big":
      sendBig(socket, Number(target.split("?")[1]));
      return;
    case "/early-hints":
      send("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      return;
    default: {
      const shown = JSON.stringify({ method, target, head, body: body.length > 100 ? body.length : body, trailers });
      send(`HTTP/1.1 200 OK\r\ncontent-length: ${shown.length}\r\ncontent-type: text/json\r\n\r\n${shown}`);
    }
  }
}

function sendBig(socket: Socket, size: number): void {
  const piece = Buffer.alloc(65_536, 98);
  let left = size;
  socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
  const more = () => {
    while (left > 0) {
      const bytes = piece.subarray(0, Math.min(left, piece.length));
      left -= bytes.length;
      bigWritten += bytes.length;
      if (!socket.write(bytes)) {
        socket.once("drain", more);
        return;
      }
    }
  };
  more();
}

function onHead(head: string, socket: Socket, rest: Buffer): boolean {
  if (headerOf(head, "expect") !== undefined) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
  if (head.startsWith("GET /upgrade")) {
    if (headerOf(head, "upgrade") !== "websocket") {
      socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
      return true;
    }
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    if (rest.length > 0) socket.write(rest);
    socket.on("data", (chunk: Buffer) => void socket.write(chunk));
    socket.on("end", () => socket.end("bye"));
    return true;
  }
  if (head.startsWith("POST /slow-reader")) {
    socket.pause();
    const count = (chunk: Buffer) => {
      uploadRead += chunk.length;
    };
    socket.on("data", count);
    socket.pause();
    uploadRead += rest.length;
    slowReaders.push(socket);
    const size = Number(headerOf(head, "content-length"));
    const timer = setInterval(() => {
      if (uploadRead < size) return;
      clearInterval(timer);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nread");
    }, 10);
    return true;
  }
  if (head.startsWith("POST /refuse-early")) {
    socket.write("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\ntoo");
    return true;
  }
  return false;
}

const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nhost: app\r\n${more}\r\n`;

/** Splits off the head; the status is its second word. */
function parts(received: string): { status: number; head: string; body: string } {
  const end = received.indexOf("\r\n\r\n");
  return { status: Number(received.slice(9, 12)), head: received.slice(0, end), body: received.slice(end + 4) };
}

for (const port of ["http", "undeclared", "multiplexed"] as const) {
  describe(`port ${port}`, () => {
    const connect = () => connectRaw(pair.ports[port].outbound);

    test("keep-alive: many requests over one connection, one connection upstream", async () => {
      const client = await connect();
      for (let i = 0; i < 5; i++) {
        const before = client.received().length;
        client.send(get(`/show?${i}`));
        const text = await client.until((r) => r.slice(before).includes(`/show?${i}`) && r.endsWith("}"));
        expect(parts(text.slice(before)).status).toBe(200);
      }
      expect(client.state()).toBe("open");
      client.close();
    });

    test("pipelined requests are answered in their order", async () => {
      const client = await connect();
      client.send(get("/chunked") + get("/show?two") + get("/204") + get("/show?four"));
      const text = await client.until((r) => r.includes("/show?four") && r.endsWith("}"));
      const order = ["hello", "/show?two", "HTTP/1.1 204", "/show?four"].map((mark) => text.indexOf(mark));
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(Math.min(...order)).toBeGreaterThan(0);
      client.close();
    });

    test("a chunked response streams, and its trailers arrive", async () => {
      const client = await connect();
      client.send(get("/chunked", "te: trailers\r\n"));
      const text = await client.until((r) => r.endsWith("\r\n\r\n") && r.includes("x-sum"));
      const { head, body } = parts(text);
      expect(headerOf(head, "transfer-encoding")).toBe("chunked");
      expect(body.replace(/^[0-9a-f]+\r\n|\r\n(?=[0-9a-f]+\r\n)|\r\n[0-9a-f]+\r\n/g, "")).toContain("hello");
      expect(body).toEndWith("0\r\nx-sum: 11\r\n\r\n");
      client.close();
    });

    test("a chunked request body in pieces arrives whole, with trailers", async () => {
      const client = await connect();
      client.send("POST /show HTTP/1.1\r\nhost: app\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc");
      await Bun.sleep(20);
      client.send("\r\n4;ext=1\r\ndefg\r\n0\r\nx-check: 7\r\n\r\n");
      const shown = JSON.parse(parts(await client.until((r) => r.endsWith("}"))).body);
      expect([shown.body, shown.trailers.toLowerCase()]).toEqual(["abcdefg", "x-check: 7"]);
      client.close();
    });

    test("HEAD, 204 and 304 have no body, whatever their fields say", async () => {
      const client = await connect();
      client.send(`HEAD /head HTTP/1.1\r\nhost: app\r\n\r\n${get("/304")}${get("/204")}${get("/show")}`);
      const text = await client.until((r) => r.endsWith("}"));
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]);
      expect(statuses.slice(0, 4)).toEqual(["200", "304", "204", "200"]);
      expect(text).toContain("content-length: 12345");
      client.close();
    });

    test("a response that ends with its connection is complete, and so is one of HTTP/1.0", async () => {
      const client = await connect();
      client.send(get("/until-close"));
      const text = await client.until((r) => r.includes("until the end") && r.endsWith("0\r\n\r\n"));
      expect(headerOf(parts(text).head, "transfer-encoding")).toBe("chunked");
      client.send(get("/old"));
      await client.until((r) => r.includes("from the nineties"));
      client.send(get("/close"));
      const all = await client.until((r) => r.endsWith("ok"));
      // The upstream's connection: close is its own matter.
      expect(all.slice(all.lastIndexOf("HTTP/1.1")).toLowerCase()).not.toContain("connection: close");
      expect(client.state()).toBe("open");
      client.close();
    });

    test("connection: close of the client is honoured", async () => {
      const client = await connect();
      client.send(get("/show", "connection: close\r\n"));
      const text = await client.ended();
      expect(parts(text).status).toBe(200);
      expect(headerOf(parts(text).head, "connection")).toBe("close");
    });

    test("expect: 100-continue gets its 100 before the body is sent", async () => {
      const client = await connect();
      client.send("POST /show HTTP/1.1\r\nhost: app\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n");
      await client.until((r) => r.includes("HTTP/1.1 100"));
      client.send("body");
      const text = await client.until((r) => r.endsWith("}"));
      expect(JSON.parse(text.slice(text.lastIndexOf("\r\n\r\n") + 4)).body).toBe("body");
      expect(text.match(/HTTP\/1\.1 100/g)?.length).toBe(1);
      client.close();
    });

    test("informational responses pass", async () => {
      const client = await connect();
      client.send(get("/early-hints"));
      const text = await client.until((r) => r.endsWith("ok"));
      expect(text).toContain("HTTP/1.1 103");
      expect(text).toContain("link: </a.css>");
      client.close();
    });

    test("an upgrade turns into bytes both ways, and half-close passes", async () => {
      const client = await connect();
      client.send(get("/upgrade", "connection: Upgrade\r\nupgrade: websocket\r\n"));
      await client.until((r) => r.includes("101") && r.endsWith("\r\n\r\n"));
      const before = client.received().length;
      client.send("\x00\xffraw bytes");
      await client.until((r) => r.slice(before) === "\x00\xffraw bytes");
      client.socket.end();
      expect((await client.ended()).endsWith("bye")).toBe(true);
    });

    test("an upgrade that is not allowed is refused, and the connection is not a tunnel", async () => {
      const client = await connect();
      client.send(get("/upgrade", "connection: Upgrade\r\nupgrade: other\r\n"));
      const text = await client.until((r) => r.includes("\r\n\r\n"));
      expect(parts(text).status).toBeGreaterThanOrEqual(400);
      client.close();
    });

    test("a server that refuses an upload early is heard", async () => {
      const client = await connect();
      client.send("POST /refuse-early HTTP/1.1\r\nhost: app\r\ncontent-length: 1000000\r\n\r\nfirst");
      const text = await client.until((r) => r.includes("too"));
      expect(parts(text).status).toBe(413);
      client.close();
    });

    test("a client that reads slowly slows the application down, and gets every byte", async () => {
      const size = 4 * KERNEL_BYTES;
      bigWritten = 0;
      const client = await connect();
      client.send(get(`/big?${size}`));
      await client.until((r) => r.includes("\r\n\r\n"));
      client.socket.pause();
      let settled = -1;
      await eventually("the application has to wait", async () => {
        const before = bigWritten;
        await Bun.sleep(300);
        settled = bigWritten;
        return bigWritten === before;
      });
      // What lies in kernels and buffers, far from all of it.
      expect(settled).toBeLessThan(size / 2);
      let got = 0;
      const total = size + parts(client.received()).head.length + 4;
      const seen = client.received().length;
      client.socket.removeAllListeners("data");
      client.socket.on("data", (chunk: Buffer) => {
        got += chunk.length;
      });
      client.socket.resume();
      await eventually("all bytes", () => seen + got >= total, LARGE_MS);
      expect(seen + got).toBe(total);
      client.close();
    });

    test("clients that do not read hold up nobody else", async () => {
      const stuck = await Promise.all(Array.from({ length: 4 }, connect));
      for (const client of stuck) {
        client.send(get(`/big?${32 * 1024 * 1024}`));
        await client.until((r) => r.includes("\r\n\r\n"));
        client.socket.pause();
      }
      const other = await connect();
      for (let i = 0; i < 20; i++) {
        const before = other.received().length;
        other.send(get(`/show?${i}`));
        await other.until((r) => r.slice(before).includes(`/show?${i}`) && r.endsWith("}"));
      }
      for (const client of [...stuck, other]) client.close();
    });

    test("an application that reads slowly slows the client down, and gets every byte", async () => {
      const size = 4 * KERNEL_BYTES;
      uploadRead = 0;
      slowReaders.length = 0;
      const client = await connect();
      client.send(`POST /slow-reader HTTP/1.1\r\nhost: app\r\ncontent-length: ${size}\r\n\r\n`);
      client.send(Buffer.alloc(size, 99));
      let waiting = -1;
      await eventually("the client has to wait", async () => {
        const before = client.socket.writableLength;
        await Bun.sleep(300);
        waiting = client.socket.writableLength;
        return slowReaders.length > 0 && waiting === before;
      });
      expect(waiting).toBeGreaterThan(0);
      slowReaders.pop()?.resume();
      await client.until((r) => r.endsWith("read"), LARGE_MS);
      expect(uploadRead).toBe(size);
      client.close();
    });
  });
}
