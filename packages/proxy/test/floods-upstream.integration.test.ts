/** Servers that mean harm, or broke: what never ends is cut off, memory stays bounded, nobody else notices. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { type FloodServer, startFloodServer } from "./rig/flood-server.ts";
import { END_HEADERS, fieldBlock, frame, H2 } from "./rig/h2-bytes.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
/** How long a request may take before the route gives it up. Units: s. */
const TIMEOUT_S = 3;
const MIB = 1_048_576;

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const text = (line: string) => line.repeat(Math.ceil(16_384 / line.length));
const SETTINGS = frame(H2.settings, 0, 0);
const times = (block: Buffer, count: number) => Buffer.concat(Array.from({ length: count }, () => block));
const head = (fields: readonly (readonly [string, string])[], flags = END_HEADERS) =>
  frame(H2.headers, flags, 1, fieldBlock(fields));
const opened = Buffer.concat([SETTINGS, head([[":status", "200"]])]);
/** A header of 3,000 bytes that goes into the table, then its index (62) again and again. */
const bomb = () => {
  const first = fieldBlock([["x", "z".repeat(3000)]]);
  first[0] = 0x40;
  return Buffer.concat([fieldBlock([[":status", "200"]]), first, Buffer.alloc(12_000, 0x80 | 62)]);
};

interface Attack {
  readonly http: "http1" | "http2";
  readonly opening: Uint8Array | string;
  readonly block: Uint8Array | string;
  /** What the client sees first of its answer. */
  readonly answer: RegExp;
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "header lines without end": {
    http: "http1",
    opening: OK,
    block: text("x-more: 1234567\r\n"),
    answer: /^HTTP\/1.1 50[234]/,
  },
  "one header line without end": { http: "http1", opening: `${OK}x: `, block: text("y"), answer: /^HTTP\/1.1 50[234]/ },
  "blank lines before the status": { http: "http1", opening: "", block: text("\r\n"), answer: /^HTTP\/1.1 50[234]/ },
  "a status line without end": {
    http: "http1",
    opening: "HTTP/1.1 200 ",
    block: text("O"),
    answer: /^HTTP\/1.1 50[234]/,
  },
  "100 Continue without end": {
    http: "http1",
    opening: "",
    block: text("HTTP/1.1 100 Continue\r\n\r\n"),
    answer: /^HTTP\/1.1 50[234]/m,
  },
  "103 Early Hints without end": {
    http: "http1",
    opening: "",
    block: text("HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n"),
    answer: /^HTTP\/1.1 50[234]/m,
  },
  "chunk extensions without end": {
    http: "http1",
    opening: `${CHUNKED}5;`,
    block: text("ext=1;"),
    answer: /^HTTP\/1.1 (200|50[234])/,
  },
  "a chunk size without end": { http: "http1", opening: CHUNKED, block: text("0"), answer: /^HTTP\/1.1 (200|50[234])/ },
  "trailers without end": {
    http: "http1",
    opening: `${CHUNKED}0\r\n`,
    block: text("x-sum: 1\r\n"),
    answer: /^HTTP\/1.1 (200|50[234])/,
  },
  "answers that nobody asked for": {
    http: "http1",
    opening: "",
    block: text(`${OK}content-length: 2\r\n\r\nok`),
    answer: /^HTTP\/1.1 200/,
  },
  "SETTINGS without end": {
    http: "http2",
    opening: SETTINGS,
    block: times(SETTINGS, 1000),
    answer: /^HTTP\/1.1 50[234]/,
  },
  "PING without end": {
    http: "http2",
    opening: SETTINGS,
    block: times(frame(H2.ping, 0, 0, Buffer.alloc(8)), 1000),
    answer: /^HTTP\/1.1 50[234]/,
  },
  "CONTINUATION without end": {
    http: "http2",
    opening: Buffer.concat([SETTINGS, head([[":status", "200"]], 0)]),
    block: frame(H2.continuation, 0, 1, fieldBlock([["x", "y".repeat(16_000)]])),
    answer: /^HTTP\/1.1 50[234]/,
  },
  "empty CONTINUATION without end": {
    http: "http2",
    opening: Buffer.concat([SETTINGS, head([[":status", "200"]], 0)]),
    block: times(frame(H2.continuation, 0, 1), 1000),
    answer: /^HTTP\/1.1 50[234]/,
  },
  "103 without end, HTTP/2": {
    http: "http2",
    opening: SETTINGS,
    block: times(
      head([
        [":status", "103"],
        ["link", "<a>"],
      ]),
      500,
    ),
    answer: /^HTTP\/1.1 50[234]/m,
  },
  "empty DATA without end": {
    http: "http2",
    opening: opened,
    block: times(frame(H2.data, 0, 1), 1000),
    answer: /^HTTP\/1.1 200/,
  },
  "an HPACK bomb": {
    http: "http2",
    opening: Buffer.concat([SETTINGS, frame(H2.headers, END_HEADERS, 1, bomb())]),
    block: "",
    answer: /^HTTP\/1.1 50[234]/,
  },
  "frames of unknown types": {
    http: "http2",
    opening: SETTINGS,
    block: times(frame(77, 0, 0, Buffer.alloc(20)), 500),
    answer: /^HTTP\/1.1 50[234]/,
  },
  "resets of streams that are over": {
    http: "http2",
    opening: SETTINGS,
    block: times(frame(H2.rstStream, 0, 1, Buffer.alloc(4)), 1000),
    answer: /^HTTP\/1.1 50[234]/,
  },
};

const NAMES = Object.keys(ATTACKS);
const servers: FloodServer[] = [];
const [port = 0, adminPort = 0] = freePorts(2);
let origin: Origin;
let proxy: ProxyProcess;

beforeAll(async () => {
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  for (const name of NAMES) {
    const { opening, block } = ATTACKS[name] ?? { opening: "", block: "" };
    servers.push(await startFloodServer(opening, block));
  }
  const routes = NAMES.map((_, i) => ({
    match: { prefix: `/${i}/` },
    route: { cluster: `bad${i}`, timeout: `${TIMEOUT_S}s` },
  }));
  const virtual_hosts = [
    { name: "all", domains: ["*"], routes: [...routes, { match: { prefix: "/" }, route: { cluster: "good" } }] },
  ];
  proxy = await startProxy({
    engine: "heddle",
    adminPort,
    bootstrap: {
      static_resources: {
        listeners: [listener("in", port, [httpFilterChain("good", { route_config: { virtual_hosts } })])],
        clusters: [
          cluster("good", [origin.port], "http1"),
          ...servers.map((server, i) => cluster(`bad${i}`, [server.port], ATTACKS[NAMES[i] ?? ""]?.http ?? "http1")),
        ],
      },
    },
  });
});

afterAll(async () => {
  await proxy?.stop();
  for (const server of servers) server.close();
  origin?.close();
});

/** Units: MiB. */
function rss(): number {
  return (Number(readFileSync(`/proc/${proxy.pid}/statm`, "utf8").split(" ")[1]) * 4096) / MIB;
}

async function othersAreServed(): Promise<void> {
  const client = await connectRaw(port);
  client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  expect(await client.ended(10_000)).toEndWith("ok");
}

async function nothingIsLeft(i: number): Promise<void> {
  await eventually("the request is over", async () =>
    /rq_active: 0/.test(await (await proxy.admin(`/stats?filter=^cluster.bad${i}.upstream_rq_active`)).text()),
  );
  // A server that has said all that it wants may keep its connection.
  if (ATTACKS[NAMES[i] ?? ""]?.block !== "")
    await eventually("the server's connection is closed", () => servers[i]?.open() === 0, 10_000);
}

test.each(NAMES.map((name, i) => [name, i] as const))("%s", async (name, i) => {
  const before = rss();
  const client = await connectRaw(port);
  client.send(`GET /${i}/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  await Bun.sleep(200);
  await othersAreServed();
  const got = await client.ended(20_000);
  expect(got).toMatch(ATTACKS[name]?.answer ?? /never/);
  await nothingIsLeft(i);
  const grown = rss() - before;
  console.log(
    `${name}: ${((servers[i]?.sent() ?? 0) / MIB).toFixed(1)} MiB sent, RSS ${before.toFixed(0)} ${grown < 0 ? "" : "+"}${grown.toFixed(0)} MiB`,
  );
  expect(grown).toBeLessThan(100);
});

test.each(NAMES.map((name, i) => [name, i] as const))("%s, to a client that does not read", async (_name, i) => {
  const before = rss();
  const client = await connectRaw(port);
  client.socket.pause();
  client.send(`GET /${i}/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  await Bun.sleep(1000);
  await othersAreServed();
  expect(rss() - before).toBeLessThan(100);
  client.close();
  await nothingIsLeft(i);
});
