/** Pairs of two makes: the built-in proxy on one side of the mTLS connection, real Envoy on the other, in both orders. TLS rules of our side. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { eventually } from "./rig/eventually.ts";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { startH1Origin } from "./rig/h1-origin.ts";
import { startH2Origin } from "./rig/h2-origin.ts";
import { type Pair, startPair } from "./rig/pair.ts";
import { envoyPath } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";
import { http1Client, http2Client } from "./rig/table-client.ts";

setDefaultTimeout(120_000);
const closers: (() => unknown)[] = [];
let origins: Readonly<Record<"h1" | "h2" | "tcp", number>>;
if (envoyPath() === undefined) console.log("skipped: pairs with Envoy, which is not here (HEDDLE_ENVOY)");

beforeAll(async () => {
  const h1 = await startH1Origin();
  const h2 = await startH2Origin();
  const echo: Server = createServer({ allowHalfOpen: true }, (socket) => {
    let total = 0;
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      total += chunk.length;
      socket.write(chunk);
    });
    socket.on("end", () => socket.end(`total ${total}`));
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const at = echo.address();
  closers.push(h1.close, h2.close, () => echo.close());
  origins = { h1: h1.port, h2: h2.port, tcp: typeof at === "object" && at !== null ? at.port : 0 };
});

afterAll(async () => {
  for (const close of closers) await close();
});

const services = () =>
  ({
    h1: { origin: origins.h1, declared: "http" },
    h2: { origin: origins.h2, declared: "http" },
    tcp: { origin: origins.tcp, declared: "tcp" },
  }) as const;

describe.skipIf(envoyPath() === undefined).each([
  ["heddle", "envoy"],
  ["envoy", "heddle"],
] as const)("%s on the client's side, %s on the server's", (client, server) => {
  let pair: Pair<"h1" | "h2" | "tcp">;
  beforeAll(async () => {
    pair = await startPair({ services: services(), engines: { client, server } });
  });
  afterAll(() => pair?.stop());

  for (const version of ["h1", "h2"] as const) {
    const make = version === "h1" ? http1Client : http2Client;
    test(`${version}: bodies, HEAD, statuses`, async () => {
      const http = make(pair.ports[version].outbound);
      for (const size of [0, 5, 300_000]) {
        const body = Buffer.alloc(size, 120);
        const answer = await http.call({ method: "POST", path: "/echo", body, sized: true });
        expect([answer.status, answer.body.equals(body), answer.cut]).toEqual([200, true, false]);
      }
      const head = await http.call({ method: "HEAD", path: "/head" });
      expect([head.status, head.headers["content-length"]]).toEqual([200, "99"]);
      for (const status of [204, 404, 500])
        expect((await http.call({ method: "GET", path: `/status/${status}` })).status).toBe(status);
      expect((await http.call({ method: "GET", path: "/bytes/2000000" })).body.length).toBe(2_000_000);
    });

    test(`${version}: an answer that breaks off is seen as broken off`, async () => {
      expect((await make(pair.ports[version].outbound).call({ method: "GET", path: "/cut" })).cut).toBe(true);
    });
  }

  test("h2: trailers both ways", async () => {
    const http = http2Client(pair.ports.h2.outbound);
    const answer = await http.call({
      method: "POST",
      path: "/echo",
      body: Buffer.from("abc"),
      trailers: { "x-sum": "42" },
    });
    expect([answer.body.toString(), answer.trailers["x-echo"]]).toEqual(["abc", "42"]);
  });

  test("a websocket over HTTP/1", async () => {
    const tunnel = await http1Client(pair.ports.h1.outbound).upgrade("/socket");
    tunnel.send("\x81\x05hello");
    await eventually("the echo", () => tunnel.received() === "\x81\x05hello");
  });

  test("TCP with half-close", async () => {
    const raw = await connectRaw(pair.ports.tcp.outbound);
    raw.send("\x00one");
    await raw.until((r) => r === "\x00one");
    raw.socket.end();
    expect(await raw.ended()).toBe("\x00onetotal 4");
  });
});

describe("TLS rules of the server's side", () => {
  let pair: Pair<"h1" | "h2" | "tcp">;
  beforeAll(async () => {
    pair = await startPair({ services: services() });
  });
  afterAll(() => pair?.stop());

  /** Whether a client with such options gets its word echoed. */
  async function reaches(options: Readonly<Record<string, unknown>>): Promise<boolean> {
    let over = false;
    let text = "";
    const socket: TLSSocket = connectTls({
      host: "127.0.0.1",
      port: pair.ports.tcp.inbound,
      rejectUnauthorized: false,
      ALPNProtocols: ["istio"],
      ...options,
    });
    socket.on("error", () => {
      over = true;
    });
    socket.on("close", () => {
      over = true;
    });
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on("secureConnect", () => void socket.write("word"));
    await eventually("an end or an echo", () => over || text === "word");
    socket.destroy();
    return text === "word";
  }

  test("TLS 1.0 and 1.1, no certificate, and one of another CA are refused; the mesh's own passes", async () => {
    const foreign = await foreignCertificate();
    expect(await reaches({ maxVersion: "TLSv1.1", minVersion: "TLSv1" })).toBe(false);
    expect(await reaches({})).toBe(false);
    expect(await reaches({ cert: foreign.cert, key: foreign.key })).toBe(false);
    const raw = await connectRaw(pair.ports.tcp.outbound);
    raw.send("word");
    await raw.until((r) => r === "word");
    raw.close();
  });
});
