/** One table of requests in all four cells: HTTP/1 and HTTP/2 of the client × HTTP/1 and HTTP/2 of the application. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { startH1Origin } from "./rig/h1-origin.ts";
import { startH2Origin } from "./rig/h2-origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { http1Client, http2Client } from "./rig/table-client.ts";

setDefaultTimeout(120_000);
let proxy: ProxyProcess;
const closers: (() => void)[] = [];
const [toH1 = 0, toH2 = 0, adminPort = 0] = freePorts(3);

beforeAll(async () => {
  const h1 = await startH1Origin();
  const h2 = await startH2Origin();
  closers.push(h1.close, h2.close);
  const manager = { http2_protocol_options: { allow_connect: true } };
  const quick = { retry_policy: { retry_on: "connect-failure,refused-stream,reset", num_retries: 2 } };
  proxy = await startProxy({
    engine: "heddle",
    adminPort,
    bootstrap: {
      static_resources: {
        listeners: [
          listener("h1", toH1, [httpFilterChain("h1", manager, quick)]),
          listener("h2", toH2, [httpFilterChain("h2", manager, quick)]),
        ],
        clusters: [cluster("h1", [h1.port], "http1"), cluster("h2", [h2.port], "http2")],
      },
    },
  });
});

afterAll(async () => {
  await proxy?.stop();
  for (const close of closers) close();
});

const clients = { "HTTP/1": http1Client, "HTTP/2": http2Client };
const upstreams = { "HTTP/1": toH1, "HTTP/2": toH2 };

for (const [down, makeClient] of Object.entries(clients)) {
  for (const [up, port] of Object.entries(upstreams)) {
    describe(`${down} client, ${up} application`, () => {
      const client = makeClient(port);

      test("GET", async () => {
        const answer = await client.call({ method: "GET", path: "/echo" });
        expect([answer.status, answer.headers["x-method"], answer.body.length, answer.cut]).toEqual([
          200,
          "GET",
          0,
          false,
        ]);
      });

      for (const sized of [true, false]) {
        for (const size of [0, 1, 100_000, 1_000_000]) {
          test(`POST of ${size} bytes ${sized ? "with its length" : "of unknown length"}`, async () => {
            const body = Buffer.alloc(size, 120);
            const answer = await client.call({ method: "POST", path: "/echo", body, sized });
            expect([answer.status, answer.headers["x-method"], answer.cut]).toEqual([200, "POST", false]);
            expect(answer.body.equals(body)).toBe(true);
          });
        }
      }

      test("trailers both ways", async () => {
        const trailers = { "x-sum": "42" };
        const answer = await client.call({ method: "POST", path: "/echo", body: Buffer.from("abc"), trailers });
        expect([answer.body.toString(), answer.trailers["x-echo"]]).toEqual(["abc", "42"]);
      });

      test("HEAD keeps the length and has no body", async () => {
        const answer = await client.call({ method: "HEAD", path: "/head" });
        expect([answer.status, answer.headers["content-length"], answer.body.length, answer.cut]).toEqual([
          200,
          "99",
          0,
          false,
        ]);
      });

      for (const status of [204, 304, 404, 500]) {
        test(`status ${status} without a body`, async () => {
          const answer = await client.call({ method: "GET", path: `/status/${status}` });
          expect([answer.status, answer.headers["x-app"], answer.body.length, answer.cut]).toEqual([
            status,
            "yes",
            0,
            false,
          ]);
        });
      }

      test("a large response", async () => {
        const answer = await client.call({ method: "GET", path: "/bytes/5000000" });
        expect([answer.status, answer.body.length, answer.cut]).toEqual([200, 5_000_000, false]);
      });

      test("an answer that breaks off is seen as broken off", async () => {
        const answer = await client.call({ method: "GET", path: "/cut" });
        expect(answer.status).toBe(200);
        expect(answer.body.length).toBeLessThanOrEqual(1000);
        expect(answer.cut).toBe(true);
      });

      test("a websocket upgrade carries bytes, and the end of each side", async () => {
        const tunnel = await client.upgrade("/socket");
        tunnel.send("\x81\x05hello");
        await eventually("the echo", () => tunnel.received() === "\x81\x05hello");
        tunnel.finish();
        await eventually("the end", () => tunnel.ended());
        expect(tunnel.received()).toBe("\x81\x05hellobye");
      });
    });
  }
}
