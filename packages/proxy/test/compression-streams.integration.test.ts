/** Bodies that are compressed on their way are not held back, and a slow reader slows the writer. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { createBrotliDecompress, createGunzip, createGzip, createZstdDecompress } from "node:zlib";
import { freePorts } from "@heddle/std/free-ports";
import { CHAIN_NAMES, type ChainName, codingBootstrap } from "./rig/coding-config.ts";
import { eventually } from "./rig/eventually.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const READERS = { gzip: createGunzip, br: createBrotliDecompress, zstd: createZstdDecompress } as const;
/** More than all buffers between two ends hold together. */
const LONG = 48 * 1024 * 1024;
const MUCH = 24 * 1024 * 1024;

describe("streams through compressors", () => {
  let proxy: ProxyProcess;
  let server: Server;
  const ports = new Map<string, number>();
  const arrived: [IncomingMessage, ServerResponse][] = [];

  beforeAll(async () => {
    server = createServer((incoming, answer) => void arrived.push([incoming, answer]));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = server.address();
    const free = freePorts(CHAIN_NAMES.length + 1);
    const adminPort = free.pop() ?? 0;
    for (const [i, name] of CHAIN_NAMES.entries()) ports.set(name, free[i] ?? 0);
    const originPort = typeof at === "object" && at !== null ? at.port : 0;
    proxy = await startProxy({ engine: "heddle", adminPort, bootstrap: codingBootstrap(free, originPort) });
  }, 40_000);

  afterAll(async () => {
    await proxy.stop();
    server.closeAllConnections();
    server.close();
  });

  /** Begins a request; gives what the server has of it and what the client gets. */
  const begin = async (chain: ChainName, headers: Record<string, string>, method = "GET") => {
    const sent = request({
      host: "127.0.0.1",
      port: ports.get(chain),
      method,
      headers: { host: "app", ...headers },
      agent: false,
    });
    sent.on("error", () => undefined);
    const answered = new Promise<IncomingMessage>((resolve) => sent.on("response", resolve));
    if (method === "GET") sent.end();
    else sent.flushHeaders();
    const [incoming, answer] = await eventually("the request arrives", () => arrived.shift());
    return { sent, incoming, answer, answered };
  };

  test.each(Object.entries(READERS))("events come one by one in %s", async (coding, reader) => {
    const { answer, answered } = await begin("three", { "accept-encoding": coding });
    answer.writeHead(200, { "content-type": "text/plain" });
    answer.write("event 0\n");
    const client = await answered;
    expect(client.headers["content-encoding"]).toBe(coding);
    let read = "";
    const plain = client.pipe(reader());
    plain.on("data", (chunk: Buffer) => {
      read += chunk.toString();
    });
    for (let i = 1; i < 6; i++) {
      const expected = `event ${i - 1}\n`;
      await eventually(expected, () => read.endsWith(expected));
      if (i < 5) answer.write(`event ${i}\n`);
    }
    const over = new Promise<void>((resolve) => plain.on("end", () => resolve()));
    answer.end("the end");
    await over;
    expect(read).toBe("event 0\nevent 1\nevent 2\nevent 3\nevent 4\nthe end");
  });

  test("pieces of an upload come one by one", async () => {
    const { sent, incoming, answer, answered } = await begin("upload", {}, "POST");
    expect(incoming.headers["content-encoding"]).toBe("gzip");
    let read = "";
    const plain = incoming.pipe(createGunzip());
    plain.on("data", (chunk: Buffer) => {
      read += chunk.toString();
    });
    for (const piece of ["one ", "two ", "three "]) {
      sent.write(piece);
      await eventually(piece, () => read.endsWith(piece));
    }
    sent.end("four");
    await eventually("the end", () => read === "one two three four");
    answer.end();
    (await answered).resume();
  });

  const noise = (seed: number): Buffer => {
    const out = Buffer.alloc(65_536);
    let x = seed;
    for (let i = 0; i < out.length; i += 4) {
      x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
      out.writeUInt32LE((x ^ (x << 13)) >>> 0, i);
    }
    return out;
  };

  test.each([
    ["compressed", "plain", { "accept-encoding": "gzip" }],
    ["decompressed", "inflate", {}],
  ] as const)(
    "a slow reader slows the writer of what is %s",
    async (what, chain, headers) => {
      const { answer, answered } = await begin(chain, headers);
      const zipped = what === "decompressed";
      answer.writeHead(200, { "content-type": "text/plain", ...(zipped ? { "content-encoding": "gzip" } : {}) });
      const into = zipped ? createGzip({ level: 1 }) : answer;
      if (zipped) into.pipe(answer);
      const sum = createHash("sha256");
      let written = 0;
      const write = async (): Promise<void> => {
        while (written < LONG) {
          const chunk = noise(written + 1);
          sum.update(chunk);
          written += chunk.length;
          if (!into.write(chunk)) await new Promise<void>((resolve) => into.once("drain", () => resolve()));
        }
        into.end();
      };
      const writing = write();
      const client = await answered;
      client.pause();
      // Until the writer stands still.
      let before = -1;
      await eventually("the writer waits", async () => {
        before = written;
        await Bun.sleep(1000);
        return written === before && written > 0;
      });
      expect(written).toBeLessThan(MUCH);
      const got = createHash("sha256");
      const plain = what === "compressed" ? client.pipe(createGunzip()) : client;
      const over = new Promise<void>((resolve) => plain.on("end", () => resolve()));
      plain.on("data", (chunk: Buffer) => void got.update(chunk));
      client.resume();
      await writing;
      await over;
      expect(got.digest("hex")).toBe(sum.digest("hex"));
    },
    60_000,
  );

  test("a client that leaves in the middle leaves nothing behind", async () => {
    const { sent, answer, answered } = await begin("plain", { "accept-encoding": "gzip" });
    answer.writeHead(200, { "content-type": "text/plain" });
    answer.write(noise(3));
    (await answered).on("error", () => undefined);
    const closed = new Promise<void>((resolve) => answer.on("close", () => resolve()));
    sent.destroy();
    await closed;
    const next = await begin("plain", { "accept-encoding": "gzip" });
    next.answer.writeHead(200, { "content-type": "text/plain" });
    next.answer.end("still here ".repeat(10));
    const client = await next.answered;
    const chunks: Buffer[] = [];
    for await (const chunk of client.pipe(createGunzip())) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).toString()).toBe("still here ".repeat(10));
  });
});
