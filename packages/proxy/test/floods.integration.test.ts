/** Clients that mean harm: each is closed or held within bounds, memory stays bounded, and others are served meanwhile. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { END_HEADERS, END_STREAM, fieldBlock, frame, H2, H2_PREFACE, readFrames } from "./rig/h2-bytes.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw, type RawClient } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
const [port = 0, adminPort = 0] = freePorts(2);
let origin: Origin;
let proxy: ProxyProcess;

beforeAll(async () => {
  origin = await startOrigin(({ target, socket }) => {
    if (target === "/never") return;
    if (target === "/ws") {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
      return;
    }
    if (target === "/big") socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 60000000\r\n\r\n`);
    if (target === "/big") socket.write(Buffer.alloc(60_000_000, 98));
    else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  const manager = {
    request_headers_timeout: "2s",
    stream_idle_timeout: "4s",
    http2_protocol_options: { max_concurrent_streams: 100 },
  };
  proxy = await startProxy({
    engine: "heddle",
    adminPort,
    bootstrap: {
      static_resources: {
        listeners: [listener("in", port, [httpFilterChain("app", manager)])],
        clusters: [cluster("app", [origin.port], "http1")],
      },
    },
  });
});

afterAll(async () => {
  await proxy?.stop();
  origin?.close();
});

const fields = (path: string) =>
  fieldBlock([
    [":method", "GET"],
    [":scheme", "http"],
    [":authority", "a"],
    [":path", path],
  ]);
const request = (stream: number, path = "/") => frame(H2.headers, END_HEADERS | END_STREAM, stream, fields(path));
const OPENING = Buffer.concat([H2_PREFACE, frame(H2.settings, 0, 0)]);
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Units: MiB. */
function rss(): number {
  const pages = Number(readFileSync(`/proc/${proxy.pid}/statm`, "utf8").split(" ")[1]);
  return (pages * 4096) / 1_048_576;
}

async function othersAreServed(): Promise<void> {
  const client = await connectRaw(port);
  client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  expect(await client.ended()).toEndWith("ok");
}

/** Sends the same bytes until the connection ends. Gives how many times. */
async function flood(
  bytes: (round: number) => Uint8Array,
  rounds: number,
): Promise<{ client: RawClient; sent: number }> {
  const client = await connectRaw(port);
  client.send(OPENING);
  let sent = 0;
  for (; sent < rounds && client.state() === "open"; sent++) {
    if (!client.socket.write(bytes(sent))) {
      const drained = new Promise<void>((resolve) => client.socket.once("drain", () => resolve()));
      // A proxy that stops reading has bounded it as well.
      if ((await Promise.race([drained, Bun.sleep(1000), client.ended(1000).catch(() => undefined)])) !== undefined)
        break;
    }
    if (sent % 50 === 49) await Bun.sleep(0);
  }
  return { client, sent };
}

/** The offender's connection ended, or its GOAWAY says why. */
async function isClosed(client: RawClient, code: number): Promise<void> {
  await client.ended();
  const goaway = readFrames(client.received()).findLast((f) => f.type === H2.goaway);
  if (goaway !== undefined) expect(goaway.payload.readUInt32BE(4)).toBe(code);
  client.close();
}

const ENHANCE_YOUR_CALM = 11;

test("rapid reset", async () => {
  const before = rss();
  const { client } = await flood((round) => {
    const id = round * 20 + 1;
    const pairs: Buffer[] = [];
    for (let i = 0; i < 10; i++) pairs.push(request(id + 2 * i, "/never"), frame(H2.rstStream, 0, id + 2 * i, u32(8)));
    return Buffer.concat(pairs);
  }, 5000);
  await othersAreServed();
  await isClosed(client, ENHANCE_YOUR_CALM);
  expect(rss() - before).toBeLessThan(120);
  await eventually("the application's requests are given up", async () =>
    /rq_active: 0/.test(await (await proxy.admin("/stats?filter=cluster.app.upstream_rq_active")).text()),
  );
});

test("CONTINUATION without end", async () => {
  const before = rss();
  const piece = fieldBlock([["x", "y".repeat(16_000)]]);
  const { client } = await flood(
    (round) => (round === 0 ? frame(H2.headers, 0, 1, fields("/")) : frame(H2.continuation, 0, 1, piece)),
    5000,
  );
  await othersAreServed();
  await isClosed(client, ENHANCE_YOUR_CALM);
  expect(rss() - before).toBeLessThan(120);
});

test("empty CONTINUATION frames", async () => {
  const { client } = await flood(
    (round) => (round === 0 ? frame(H2.headers, 0, 1, fields("/")) : frame(H2.continuation, 0, 1)),
    100_000,
  );
  await othersAreServed();
  await isClosed(client, ENHANCE_YOUR_CALM);
});

for (const [name, bytes] of [
  ["SETTINGS", frame(H2.settings, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0]))],
  ["PING", frame(H2.ping, 0, 0, Buffer.alloc(8))],
  ["empty DATA", frame(H2.data, 0, 1)],
] as const) {
  test(`a flood of ${name}`, async () => {
    const before = rss();
    const block = Buffer.concat(Array.from({ length: 20 }, () => bytes));
    const open = frame(H2.headers, END_HEADERS, 1, fields("/never"));
    const { client } = await flood((round) => (round === 0 ? open : block), 20_000);
    await othersAreServed();
    await isClosed(client, ENHANCE_YOUR_CALM);
    expect(rss() - before).toBeLessThan(120);
  });
}

test("an HPACK bomb: one entry of the table, thousands of times", async () => {
  const before = rss();
  const client = await connectRaw(port);
  client.send(OPENING);
  // Literal with indexing of a 4000-byte value, then only its index (62).
  const value = "z".repeat(3000);
  const first = fieldBlock([["x", value]]);
  first[0] = 0x40;
  const bomb = Buffer.concat([fields("/"), first, Buffer.alloc(12_000, 0x80 | 62)]);
  client.send(frame(H2.headers, END_HEADERS | END_STREAM, 1, bomb));
  await client.until((r) => {
    const frames = readFrames(r);
    return client.state() !== "open" || frames.some((f) => f.stream === 1 || f.type === H2.goaway);
  });
  expect(origin.heads.some((head) => head.includes(value))).toBe(false);
  await othersAreServed();
  expect(rss() - before).toBeLessThan(60);
  client.close();
});

/** Each makes the server reset a stream that is well-formed until then (CVE-2025-8671). */
for (const [name, more] of [
  ["WINDOW_UPDATE of 0", (id: number) => frame(H2.windowUpdate, 0, id, u32(0))],
  ["DATA behind the end", (id: number) => frame(H2.data, 0, id, Buffer.from("x"))],
  ["a window that is too large", (id: number) => frame(H2.windowUpdate, 0, id, u32(0x7fffffff))],
] as const) {
  test(`made you reset: ${name}`, async () => {
    const before = rss();
    const asked = origin.heads.length;
    const { client } = await flood((round) => {
      const id = round * 20 + 1;
      const pairs: Buffer[] = [];
      for (let i = 0; i < 10; i++) pairs.push(request(id + 2 * i, "/never"), more(id + 2 * i));
      return Buffer.concat(pairs);
    }, 5000);
    await othersAreServed();
    await isClosed(client, ENHANCE_YOUR_CALM);
    expect(rss() - before).toBeLessThan(120);
    expect(origin.heads.length - asked).toBeLessThan(1500);
    await eventually("the application's requests are given up", async () =>
      /rq_active: 0/.test(await (await proxy.admin("/stats?filter=cluster.app.upstream_rq_active")).text()),
    );
  });
}

test("HEADERS without end on a stream that was reset", async () => {
  const block = Buffer.concat(Array.from({ length: 20 }, () => request(1, "/never")));
  const { client } = await flood(
    (round) => (round === 0 ? Buffer.concat([request(1, "/never"), frame(H2.windowUpdate, 0, 1, u32(0))]) : block),
    20_000,
  );
  await othersAreServed();
  await isClosed(client, ENHANCE_YOUR_CALM);
});

/** HTTP/1 messages that do not end. */
for (const [name, opening, line] of [
  ["header lines", "GET / HTTP/1.1\r\nhost: a\r\n", "x-more: 1234567\r\n"],
  ["one header line", "GET / HTTP/1.1\r\nhost: a\r\nx: ", "yyyyyyyyyyyyyyyy"],
  ["a request line", "GET /", "aaaaaaaaaaaaaaaa"],
  ["blank lines", "", "\r\n\r\n\r\n\r\n"],
  ["trailers", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x-sum: 1\r\n"],
  ["chunk extensions", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5;", "ext=1;"],
  ["a chunk size", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", "0000000000000000"],
] as const) {
  test(`${name} without end`, async () => {
    const before = rss();
    const client = await connectRaw(port);
    client.send(opening);
    const block = Buffer.from(line.repeat(1000), "latin1");
    for (let i = 0; i < 5000 && client.state() === "open"; i++) {
      if (client.socket.write(block)) continue;
      const drained = new Promise<void>((resolve) => client.socket.once("drain", () => resolve()));
      await Promise.race([drained, client.ended(5000).catch(() => undefined)]);
    }
    await othersAreServed();
    await client.ended();
    expect(rss() - before).toBeLessThan(60);
    client.close();
  });
}

test("thousands of pipelined requests of a client that does not read", async () => {
  const before = rss();
  const client = await connectRaw(port);
  client.socket.pause();
  const block = Buffer.from("GET /big HTTP/1.1\r\nhost: a\r\n\r\n".repeat(500));
  let sent = 0;
  while (sent < 200 && client.socket.write(block)) sent++;
  await Bun.sleep(1000);
  await othersAreServed();
  expect(rss() - before).toBeLessThan(120);
  client.close();
});

test("hundreds of connections whose heads come byte by byte", async () => {
  const before = rss();
  const clients = await Promise.all(Array.from({ length: 500 }, () => connectRaw(port)));
  const bytes = "GET / HTTP/1.1\r\nhost: a\r\nx-slow: 1\r\n\r\n";
  let at = 0;
  const drip = setInterval(() => {
    for (const client of clients) if (client.state() === "open") client.send(bytes[at % bytes.length] ?? "G");
    // The end of the head never comes.
    at = at + 1 >= bytes.length - 2 ? 30 : at + 1;
  }, 100);
  await Bun.sleep(1000);
  await othersAreServed();
  await Promise.all(clients.map((client) => client.ended()));
  clearInterval(drip);
  expect(rss() - before).toBeLessThan(60);
  for (const client of clients) client.close();
});

test("hundreds of upgrades that stay open", async () => {
  const before = rss();
  const clients = await Promise.all(Array.from({ length: 300 }, () => connectRaw(port)));
  for (const client of clients)
    client.send("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
  for (const client of clients) expect(await client.until((r) => r.includes("\r\n\r\n"))).toStartWith("HTTP/1.1 101");
  await othersAreServed();
  expect(rss() - before).toBeLessThan(60);
  for (const client of clients) client.close();
  await eventually("they are gone", async () =>
    /upgrades_active: 0/.test(await (await proxy.admin("/stats?filter=downstream_cx_upgrades_active")).text()),
  );
});

test("slow loris: a head that never ends is cut at its timeout", async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, () => connectRaw(port)));
  for (const client of clients) client.send("GET / HTTP/1.1\r\nhost: a\r\n");
  const drip = setInterval(() => {
    for (const client of clients) if (client.state() === "open") client.send("x: 1\r\n");
  }, 300);
  await othersAreServed();
  await Promise.all(clients.map((client) => client.ended()));
  clearInterval(drip);
  for (const client of clients) client.close();
});

test("a body that stops coming is 408 at the stream's idle timeout", async () => {
  const client = await connectRaw(port);
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nsome");
  const text = await client.until((r) => r.includes("\r\n\r\n"));
  expect(text).toStartWith("HTTP/1.1 408");
  client.close();
});

test("window stalls: clients that never read hold little memory, and time out", async () => {
  const before = rss();
  const clients: RawClient[] = [];
  for (let i = 0; i < 10; i++) {
    const client = await connectRaw(port);
    client.send(Buffer.concat([OPENING, request(1, "/big"), request(3, "/big")]));
    clients.push(client);
  }
  await Bun.sleep(1500);
  expect(rss() - before).toBeLessThan(250);
  await othersAreServed();
  await eventually(
    "the stalled streams are given up",
    async () => /rq_active: 0/.test(await (await proxy.admin("/stats?filter=cluster.app.upstream_rq_active")).text()),
    20_000,
  );
  for (const client of clients) client.close();
});
