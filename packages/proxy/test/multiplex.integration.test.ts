/** HTTP/1.1 requests that share one HTTP/2 connection between two of our proxies; the cases of http1.integration.test.ts run over it too. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { MESH_ALPN_BY_FILTER } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { type ArrivedRequest, type Origin, startOrigin } from "./rig/origin.ts";
import { type Pair, startPair } from "./rig/pair.ts";

const envoy = process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy") ?? undefined;
let origin: Origin;
let waiting: (() => void)[] = [];
let seen: string[] = [];

beforeAll(async () => {
  origin = await startOrigin(({ head, socket }: ArrivedRequest) => {
    seen.push(head);
    waiting.push(() => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
    // All answers together, so that all requests are under way at once.
    if (waiting.length < REQUESTS) return;
    for (const answer of waiting) answer();
    waiting = [];
  });
}, 30_000);

afterAll(() => origin?.close());

const REQUESTS = 40;

/** Sends requests that are all under way at once. */
async function askAtOnce(pair: Pair<"app">): Promise<void> {
  seen = [];
  const url = `http://127.0.0.1:${pair.ports.app.outbound}/`;
  const answers = await Promise.all(Array.from({ length: REQUESTS }, async () => (await fetch(url)).text()));
  expect(answers).toEqual(Array.from({ length: REQUESTS }, () => "ok"));
}

/** Connections of the client's sidecar to the server's. */
async function connections(pair: Pair<"app">): Promise<number> {
  const stats = await (await pair.client.admin("/stats")).text();
  return Number(/^cluster\.app-http\.upstream_cx_active: (\d+)$/m.exec(stats)?.[1]);
}

function start(server: "heddle" | "envoy"): Promise<Pair<"app">> {
  return startPair({
    services: { app: { origin: origin.port, declared: "http", manager: MESH_ALPN_BY_FILTER } },
    engines: { server },
  });
}

describe("between two of our proxies", () => {
  test("one connection carries many requests; the application sees HTTP/1.1", async () => {
    const pair = await start("heddle");
    try {
      await askAtOnce(pair);
      // Those dialled before the first connection told that it can be shared are given up.
      await eventually("one connection is left", async () => (await connections(pair)) === 1);
      await askAtOnce(pair);
      expect(await connections(pair)).toBe(1);
      expect(seen.every((head) => head.includes("HTTP/1.1\r\n"))).toBe(true);
      expect(seen.some((head) => /x-http2|:authority/i.test(head))).toBe(false);
    } finally {
      await pair.stop();
    }
  }, 60_000);
});

if (envoy === undefined) console.log("skipped: Envoy as the server; set HEDDLE_ENVOY or put envoy on PATH");

describe.skipIf(envoy === undefined)("to Envoy", () => {
  test("HTTP/1.1 as before: a connection for each request under way", async () => {
    const pair = await start("envoy");
    try {
      await askAtOnce(pair);
      expect(await connections(pair)).toBe(REQUESTS);
    } finally {
      await pair.stop();
    }
  }, 60_000);
});
