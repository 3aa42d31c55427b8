/** Plain TCP through a pair of sidecars: who speaks first, half-close, idleness, detection on undeclared ports, plain text in and out. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { eventually } from "./rig/eventually.ts";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { DETECTION_MS, type Pair, startPair } from "./rig/pair.ts";
import type { ProxyProcess } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

const GREETING = "J\x00\x00\x00\x0a8.0.36\x00";
const servers: Server[] = [];
setDefaultTimeout(120_000);
let pair: Pair<"declared" | "undeclared" | "greetDeclared" | "greetUndeclared" | "tls" | "away">;
let certificate: { readonly cert: string; readonly key: string };
let open: Pair<"web" | "echo" | "greet">;

async function serve(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return typeof at === "object" && at !== null ? at.port : 0;
}

const quiet = (socket: Socket) => void socket.on("error", () => undefined);

beforeAll(async () => {
  // Echoes until the client's end, then says how much it was.
  const echo = await serve(
    createServer({ allowHalfOpen: true }, (socket) => {
      quiet(socket);
      let total = 0;
      socket.on("data", (chunk: Buffer) => {
        total += chunk.length;
        if (!socket.write(chunk)) {
          socket.pause();
          socket.once("drain", () => socket.resume());
        }
        if (chunk.includes("RESET!")) socket.resetAndDestroy();
      });
      socket.on("end", () => socket.end(`total ${total}`));
    }),
  );
  const greet = await serve(
    createServer((socket) => {
      quiet(socket);
      socket.write(Buffer.from(GREETING, "latin1"));
      socket.on("data", (chunk: Buffer) => void socket.write(`you said ${chunk.toString()}`));
    }),
  );
  certificate = await foreignCertificate();
  const tls = await serve(
    createTlsServer({ cert: certificate.cert, key: certificate.key }, (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => void socket.write(`secret ${chunk.toString()}`));
    }),
  );
  const web = await serve(
    createServer((socket) => {
      quiet(socket);
      socket.on("data", () => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nweb"));
    }),
  );
  pair = await startPair({
    services: {
      declared: { origin: echo, declared: "tcp" },
      undeclared: { origin: echo, declared: "sniff" },
      greetDeclared: { origin: greet, declared: "tcp" },
      greetUndeclared: { origin: greet, declared: "sniff" },
      tls: { origin: tls, declared: "sniff" },
      away: { origin: 1, declared: "tcp" },
    },
  });
  open = await startPair({
    permissive: true,
    services: {
      web: { origin: web, declared: "http" },
      echo: { origin: echo, declared: "tcp" },
      greet: { origin: greet, declared: "tcp" },
    },
  });
});

afterAll(async () => {
  await Promise.all([pair?.stop(), open?.stop()]);
  for (const server of servers) server.close();
});

/** All values of a page of statistics together. */
function sumOf(text: string): number {
  return [...text.matchAll(/: (\d+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Connections whose protocol detection gave up. */
async function timeouts(proxy: ProxyProcess): Promise<number> {
  const text = await (await proxy.admin("/stats?filter=downstream_pre_cx_timeout")).text();
  return sumOf(text);
}

describe("the server speaks first", () => {
  test("on a declared tcp port its greeting comes at once", async () => {
    const before = [await timeouts(pair.client), await timeouts(pair.server)];
    const client = await connectRaw(pair.ports.greetDeclared.outbound);
    await client.until((r) => r === GREETING);
    // At once: neither side waited for bytes of the client until it gave up.
    expect([await timeouts(pair.client), await timeouts(pair.server)]).toEqual(before);
    client.send("hi");
    await client.until((r) => r.endsWith("you said hi"));
    client.close();
  });

  test("on an undeclared port it comes when detection gives up, and nothing is lost", async () => {
    const started = performance.now();
    const client = await connectRaw(pair.ports.greetUndeclared.outbound);
    await client.until((r) => r === GREETING);
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(DETECTION_MS * 0.8);
    client.send("hi");
    await client.until((r) => r.endsWith("you said hi"));
    client.close();
  });

  test("to a caller without a sidecar too (PERMISSIVE)", async () => {
    const client = await connectRaw(open.ports.greet.inbound);
    await client.until((r) => r === GREETING);
    client.close();
  });
});

for (const port of ["declared", "undeclared"] as const) {
  describe(`the client speaks first, port ${port}`, () => {
    const connect = () => connectRaw(pair.ports[port].outbound);

    test("bytes of any kind pass both ways", async () => {
      const client = await connect();
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 7 + 129) & 255)).toString("latin1");
      client.send(bytes);
      await client.until((r) => r === bytes);
      client.send(bytes);
      await client.until((r) => r === bytes + bytes);
      client.close();
    });

    test("half-close: what the server says after the client's end arrives", async () => {
      const client = await connect();
      client.send("\x01one");
      await client.until((r) => r === "\x01one");
      client.socket.end();
      expect(await client.ended()).toBe("\x01onetotal 4");
      expect(client.state()).toBe("ended");
    });

    test("bytes and end at once, before the upstream is connected", async () => {
      const client = await connect();
      client.socket.end(Buffer.from("\x01all at once"));
      expect(await client.ended()).toBe("\x01all at oncetotal 12");
    });

    test("eight megabytes each way, in full", async () => {
      const client = await connect();
      const size = 8 << 20;
      let got = 0;
      client.socket.removeAllListeners("data");
      client.socket.on("data", (chunk: Buffer) => {
        got += chunk.length;
      });
      client.socket.end(Buffer.alloc(size, 1));
      await client.ended();
      expect(got).toBe(size + `total ${size}`.length);
    });

    test("a reset of the server is a reset for the client, not an orderly end", async () => {
      const client = await connect();
      client.send("\x01RESET!");
      await client.ended();
      expect(client.state()).toBe("reset");
    });

    test("a reset of the client reaches the server's side", async () => {
      const client = await connect();
      client.send("\x01x");
      await client.until((r) => r === "\x01x");
      client.socket.resetAndDestroy();
      await eventually("no connection left", async () => {
        const stats = await (await pair.server.admin(`/stats?filter=cluster.${port}.upstream_cx_active`)).text();
        return stats.includes("cx_active: 0");
      });
    });
  });
}

describe("protocol detection on an undeclared port", () => {
  test("TLS passes through untouched, end to end", async () => {
    const socket = connectTls({ host: "127.0.0.1", port: pair.ports.tls.outbound, rejectUnauthorized: false });
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", () => resolve());
      socket.once("error", reject);
    });
    expect(socket.getPeerCertificate().raw).toEqual(
      Buffer.from(certificate.cert.replace(/-----[^-]+-----|\s/g, ""), "base64"),
    );
    socket.write("word");
    await eventually("the answer", () => text === "secret word");
    socket.destroy();
  });

  test("a first byte like HTTP's, then something else, is TCP", async () => {
    const client = await connectRaw(pair.ports.undeclared.outbound);
    client.send("G");
    await Bun.sleep(50);
    client.send("ARBAGE\x00 not http");
    await client.until((r) => r === "GARBAGE\x00 not http");
    client.close();
  });

  test("a start that stays undecided is passed on when detection gives up", async () => {
    const client = await connectRaw(pair.ports.undeclared.outbound);
    client.send("GET");
    await client.until((r) => r === "GET");
    client.close();
  });

  test("timeouts of detection are counted", async () => {
    expect(await timeouts(pair.client)).toBeGreaterThan(0);
  });
});

describe("idle connections", () => {
  test("stay open, and carry bytes afterwards", async () => {
    const client = await connectRaw(pair.ports.declared.outbound);
    client.send("a");
    await client.until((r) => r === "a");
    await Bun.sleep(6000);
    client.send("b");
    await client.until((r) => r === "ab");
    client.close();
  });
});

describe("an application that is not there", () => {
  test("the client's connection ends, it does not hang", async () => {
    const client = await connectRaw(pair.ports.away.outbound);
    client.send("x");
    await client.ended();
    expect(client.received()).toBe("");
  });
});

describe("plain text", () => {
  test("STRICT: refused before a byte reaches the application", async () => {
    const client = await connectRaw(pair.ports.declared.inbound);
    client.send("hello");
    await client.ended();
    expect(client.received()).toBe("");
    const http = await connectRaw(pair.ports.undeclared.inbound);
    http.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await http.ended();
    expect(http.received()).toBe("");
    const text = await (await pair.server.admin("/stats?filter=no_filter_chain_match")).text();
    expect(sumOf(text)).toBeGreaterThanOrEqual(2);
  });

  test("PERMISSIVE: HTTP and TCP of a caller without a sidecar pass, and so do meshed callers", async () => {
    for (const port of [open.ports.web.inbound, open.ports.web.outbound]) {
      const client = await connectRaw(port);
      client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      await client.until((r) => r.startsWith("HTTP/1.1 200") && r.endsWith("web"));
      client.close();
    }
    for (const port of [open.ports.echo.inbound, open.ports.echo.outbound]) {
      const client = await connectRaw(port);
      client.send("\x02echo");
      await client.until((r) => r === "\x02echo");
      client.close();
    }
  });

  test("a certificate of nobody in the mesh is refused", async () => {
    const foreign = await foreignCertificate();
    const socket = connectTls({
      host: "127.0.0.1",
      port: pair.ports.declared.inbound,
      rejectUnauthorized: false,
      ALPNProtocols: ["istio"],
      cert: foreign.cert,
      key: foreign.key,
    });
    let got = "";
    let over = false;
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString();
    });
    socket.on("error", () => {
      over = true;
    });
    socket.on("close", () => {
      over = true;
    });
    socket.on("secureConnect", () => void socket.write("hello"));
    await eventually("the refusal", () => over);
    expect(got).toBe("");
  });
});
