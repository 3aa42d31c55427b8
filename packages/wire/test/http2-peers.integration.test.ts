/** Real peers over loopback: h2spec, curl, node:http2, grpc-js; nghttp and h2load where installed. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer as createNodeServer, connect as h2connect, type ServerHttp2Stream } from "node:http2";
import type { Server } from "node:net";
import { homedir } from "node:os";
import { headerListOf } from "../src/http/header-list.ts";
import { createRequestHead } from "../src/http/message-head.ts";
import { createHttp1Server } from "../src/http1/server-connection.ts";
import { createHttp2Client } from "../src/http2/client-connection.ts";
import { createHttp2Server } from "../src/http2/server-connection.ts";
import { Recorder } from "./recorder.ts";
import { dial, EchoApp, serve } from "./tcp-binding.ts";

function findProgram(name: string): string | undefined {
  const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
  if (found !== "") return found;
  const tools = process.env["HEDDLE_TOOLS"] ?? `${homedir()}/.cache/heddle-tools`;
  return existsSync(`${tools}/${name}`) ? `${tools}/${name}` : undefined;
}

/** Runs the program without blocking this process, which is its server. */
async function run(argv: string[]): Promise<{ code: number; out: string }> {
  const child = Bun.spawn(argv, { stdout: "pipe", stderr: "pipe" });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out: out + errors };
}

function testWith(program: string, name: string, body: (path: string) => Promise<void>): void {
  const path = findProgram(program);
  if (path === undefined) test.skip(`${name} (skipped: ${program} is not installed)`, () => {});
  else test(name, () => body(path), 120_000);
}

let h2: { port: number; server: Server };
let h1: { port: number; server: Server };

beforeAll(async () => {
  h2 = await serve(createHttp2Server, new EchoApp());
  h1 = await serve(createHttp1Server, new EchoApp());
});

afterAll(() => {
  h2.server.close();
  h1.server.close();
});

describe("our server", () => {
  testWith("h2spec", "passes h2spec in strict mode", async (h2spec) => {
    const { out } = await run([h2spec, "--strict", "-h", "127.0.0.1", "-p", String(h2.port), "-o", "10"]);
    const summary = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(out);
    expect(summary?.slice(3)).toEqual(["0", "0"]);
    expect(Number(summary?.[1])).toBeGreaterThanOrEqual(145);
  });

  testWith("curl", "answers curl over both versions", async (curl) => {
    for (const [flag, port] of [
      ["--http2-prior-knowledge", h2.port],
      ["--http1.1", h1.port],
    ] as const) {
      const echo = await run([curl, "-s", flag, "-d", "payload", `http://127.0.0.1:${port}/echo`]);
      expect(echo.out).toBe("payload");
      const big = await run([
        curl,
        "-s",
        flag,
        "-o",
        "/dev/null",
        "-w",
        "%{size_download}",
        `http://127.0.0.1:${port}/big/5000000`,
      ]);
      expect(big.out).toBe("5000000");
    }
  });

  testWith("nghttp", "answers nghttp", async (nghttp) => {
    const { code, out } = await run([nghttp, `http://127.0.0.1:${h2.port}/`]);
    expect([code, out.trim()]).toEqual([0, "hello"]);
  });

  testWith("h2load", "answers h2load's 20000 requests on 100 streams", async (h2load) => {
    const { out } = await run([h2load, "-n", "20000", "-c", "4", "-m", "100", `http://127.0.0.1:${h2.port}/`]);
    expect(out).toContain("20000 succeeded, 0 failed");
  });

  test("answers node:http2 with trailers", async () => {
    const session = h2connect(`http://127.0.0.1:${h2.port}`);
    const request = session.request({ ":method": "POST", ":path": "/echo" }, { waitForTrailers: true } as object);
    request.on("wantTrailers", () => request.sendTrailers({ "x-sum": "3" }));
    let body = "";
    let trailers: Record<string, unknown> = {};
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("trailers", (got: Record<string, unknown>) => {
      trailers = got;
    });
    request.end("abc");
    await new Promise((done) => request.on("close", done));
    session.close();
    expect(body).toBe("abc");
    expect(trailers["x-sum"]).toBe("3");
  });
});

describe("our client", () => {
  test("asks a node:http2 server, many streams at once, with bodies", async () => {
    const node = createNodeServer();
    node.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200, "x-node": "yes" });
      stream.pipe(stream);
    });
    await new Promise<void>((done) => node.listen(0, "127.0.0.1", done));
    const address = node.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { connection, socket } = await dial(createHttp2Client, port);
    const recorder = new Recorder();
    const body = Buffer.alloc(100_000, 122);
    for (let i = 0; i < 20; i++) {
      const head = Object.assign(createRequestHead(), {
        method: "POST",
        authority: "node",
        headers: headerListOf([["x-i", String(i)]]),
      });
      const stream = connection.request(head, false, recorder);
      stream.sendData(body, 0, body.length, true);
    }
    for (let i = 0; i < 1000 && connection.activeStreams > 0; i++) await Bun.sleep(20);
    expect(recorder.events.filter((e) => e.startsWith("head") && e.includes("x-node=yes")).length).toBe(20);
    expect(recorder.events.filter((e) => e.startsWith("body") && e.length > body.length).length).toBe(20);
    socket.destroy();
    node.close();
  });
});
