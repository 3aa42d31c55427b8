import { describe, expect, test } from "bun:test";
import { exchangeBytes } from "../../test/memory-pipe.ts";
import { entries, Recorder } from "../../test/recorder.ts";
import { EchoApp, type MakeClient, type MakeServer } from "../../test/tcp-binding.ts";
import { createHttp1Client } from "../http1/client-connection.ts";
import { createHttp1Server } from "../http1/server-connection.ts";
import { createHttp2Client } from "../http2/client-connection.ts";
import { createHttp2Server } from "../http2/server-connection.ts";
import type { WireFailure } from "./failure.ts";
import { headerListOf } from "./header-list.ts";
import { createRequestHead, createResponseHead, type RequestHead } from "./message-head.ts";

/** The same bodies of tests for both versions; a difference must be written down here. */
const versions: { name: string; client: MakeClient; server: MakeServer; trailers: boolean }[] = [
  { name: "HTTP/1.1", client: createHttp1Client, server: createHttp1Server, trailers: true },
  { name: "HTTP/2", client: createHttp2Client, server: createHttp2Server, trailers: true },
];

function head(changes: Partial<RequestHead>): RequestHead {
  return Object.assign(createRequestHead(), { authority: "x.test", ...changes });
}

for (const version of versions) {
  const pair = (app: EchoApp | Recorder = new EchoApp()) => {
    const recorder = new Recorder();
    const host = new Recorder();
    const client = version.client({}, recorder);
    const server = version.server({}, host, app);
    exchangeBytes(client, server);
    return { recorder, client, server, host };
  };

  describe(version.name, () => {
    for (const piece of [1, 7, 1 << 20]) {
      test(`requests and responses in pieces of ${piece} bytes`, () => {
        const { recorder, client, server } = pair();
        const headers = headerListOf([
          ["x-a", "1"],
          ["cookie", "a=b"],
          ["x-long", "v".repeat(400)],
        ]);
        for (let i = 0; i < 3; i++) {
          client.request(head({ path: "/", headers }), true, recorder);
          exchangeBytes(client, server, piece);
        }
        const ids = version.name === "HTTP/2" ? [1, 3, 5] : [1, 2, 3];
        expect(recorder.events).toEqual(
          ids.flatMap((id) => [`head ${id} 200 content-length=5`, `body ${id} "hello"`, `close ${id}`]),
        );
        expect(server.activeStreams + client.activeStreams).toBe(0);
        expect(client.capacity).toBeGreaterThan(0);
      });
    }

    for (const [name, bytes, retryable] of [
      ["not a byte of the request was taken", 0, true],
      ["a byte was taken", 1, false],
    ] as const) {
      for (const end of ["receiveEnd", "abort"] as const) {
        test(`the connection is lost (${end}) and ${name}`, () => {
          const { recorder, client } = pair();
          const failures: WireFailure[] = [];
          recorder.onReset = (_stream, failure) => void failures.push(failure);
          const stream = client.request(head({ method: "POST" }), false, recorder);
          stream.sendData(Buffer.from("body"), 0, 4, true);
          client.output.consume(bytes);
          client[end]("reset by peer");
          expect(failures.map((one) => [one.code, one.retryable])).toEqual([["connection-closed", retryable]]);
          // What may be sent elsewhere now must not leave here.
          expect(client.output.length).toBe(0);
        });
      }
    }

    test("request heads arrive alike", () => {
      const app = new Recorder();
      const { recorder, client, server } = pair(app);
      const headers = headerListOf([
        ["te", "trailers"],
        ["content-type", "application/grpc"],
      ]);
      client.request(head({ method: "POST", path: "/pkg.Svc/Call?x", headers }), false, recorder);
      exchangeBytes(client, server);
      expect(app.events).toEqual([
        "request POST http://x.test/pkg.Svc/Call?x te=trailers|content-type=application/grpc",
      ]);
    });

    test("a body with trailers in both directions", () => {
      const { recorder, client, server } = pair();
      const stream = client.request(head({ method: "POST", path: "/echo" }), false, recorder);
      stream.sendData(Buffer.from("xabcx"), 1, 4, false);
      exchangeBytes(client, server);
      stream.sendTrailers(headerListOf([["grpc-status", "0"]]));
      exchangeBytes(client, server);
      expect(recorder.events).toEqual(["head 1 200 x-method=POST", 'body 1 "abc" trailers grpc-status=0', "close 1"]);
    });

    test("a large body both ways, larger than every window and buffer", () => {
      const { recorder, client, server } = pair();
      const body = Buffer.alloc(3_000_000, 120);
      const stream = client.request(head({ method: "POST", path: "/echo" }), false, recorder);
      let sent = 0;
      recorder.onDrain = () => pump();
      const pump = () => {
        while (sent < body.length) {
          const end = Math.min(body.length, sent + 50_000);
          const more = stream.sendData(body, sent, end, end === body.length);
          sent = end;
          // The bound on what waits: one piece beyond the high-water mark, whatever the body's size.
          expect(stream.bufferedBytes).toBeLessThanOrEqual(65_536 + 50_000 + 4096);
          if (!more) return;
        }
      };
      pump();
      exchangeBytes(client, server);
      const last = recorder.events.at(-2) ?? "";
      expect(last.length).toBe(`body 1 ""`.length + body.length);
      expect(server.activeStreams).toBe(0);
    });

    test("HEAD has a length and no body", () => {
      const { recorder, client, server } = pair();
      client.request(head({ method: "HEAD", path: "/" }), true, recorder);
      exchangeBytes(client, server);
      expect(recorder.events).toEqual(["head 1 200 end content-length=5", "close 1"]);
    });

    test("interim responses", () => {
      const app = new Recorder();
      const { recorder, client, server } = pair(app);
      client.request(
        head({ method: "POST", path: "/", headers: headerListOf([["expect", "100-continue"]]) }),
        false,
        recorder,
      );
      exchangeBytes(client, server);
      expect(app.events[0]).toContain("expects-continue");
      const interim = createResponseHead();
      interim.status = 100;
      app.streams[0]?.sendInformational(interim);
      const final = createResponseHead();
      final.status = 417;
      app.streams[0]?.sendHead(final, true);
      exchangeBytes(client, server);
      expect(recorder.events.slice(0, 2).map((e) => e.split(" content")[0]?.trim())).toEqual([
        "info 1 100",
        "head 1 417 end",
      ]);
    });

    test("an upgrade, in the form of each version", () => {
      const { recorder, client, server } = pair();
      expect(client.supportsUpgrade).toBe(true);
      const stream = client.request(head({ path: "/ws", protocol: "websocket" }), false, recorder);
      exchangeBytes(client, server);
      stream.sendData(Buffer.from("ping"), 0, 4, true);
      exchangeBytes(client, server);
      if (version.name === "HTTP/1.1") server.receiveEnd();
      exchangeBytes(client, server);
      if (version.name === "HTTP/1.1") client.receiveEnd();
      expect(recorder.events).toEqual(["head 1 101 ", 'body 1 "ping"', "close 1"]);
    });

    test("reset by the client reaches the server", () => {
      const app = new Recorder();
      const { recorder, client, server } = pair(app);
      const stream = client.request(head({ path: "/" }), true, recorder);
      exchangeBytes(client, server);
      stream.reset();
      expect(recorder.events).toEqual(["reset 1 local", "close 1"]);
      exchangeBytes(client, server);
      // HTTP/1 has no reset: the connection closes.
      if (client.shouldClose) server.receiveEnd();
      expect(app.events.slice(1)).toEqual(["reset 1 cancelled", "close 1"]);
    });

    test("graceful shutdown of the server lets streams finish", () => {
      const app = new Recorder();
      const { recorder, client, server } = pair(app);
      client.request(head({ path: "/" }), true, recorder);
      exchangeBytes(client, server);
      server.shutdown();
      exchangeBytes(client, server);
      expect(server.shouldClose).toBe(false);
      app.streams[0]?.sendHead(createResponseHead(), true);
      exchangeBytes(client, server);
      expect(recorder.events.at(-1)).toBe("close 1");
      expect(server.shouldClose).toBe(true);
      expect(client.capacity).toBe(0);
    });

    test("abort resets what is open, once", () => {
      const { recorder, client } = pair();
      client.request(head({ path: "/" }), true, recorder);
      client.abort("gone");
      client.abort("again");
      expect(recorder.events).toEqual(["reset 1 connection-closed", "close 1"]);
      expect(client.capacity).toBe(0);
    });

    test("paused data stops at the window and resumes", () => {
      const app = new Recorder();
      const { recorder, client, server } = pair(app);
      const stream = client.request(head({ method: "POST", path: "/" }), false, recorder);
      exchangeBytes(client, server);
      app.streams[0]?.pause();
      const body = Buffer.alloc(400_000, 121);
      expect(stream.sendData(body, 0, body.length, true)).toBe(version.name === "HTTP/1.1");
      exchangeBytes(client, server);
      expect(app.events.length).toBe(1);
      app.streams[0]?.resume();
      exchangeBytes(client, server);
      expect(app.events[1]?.length).toBe(`body 1 ""`.length + body.length);
    });
  });
}

test("a head goes from one version to the other untouched", () => {
  const first = new Recorder();
  const second = new Recorder();
  const h1 = createHttp1Server({}, first, first);
  const h2client = createHttp2Client({}, new Recorder());
  const h2 = createHttp2Server({}, second, second);
  exchangeBytes(h2client, h2);
  const bytes = Buffer.from("GET /p?q HTTP/1.1\r\nHost: a.b:1\r\nX-One: 1\r\nConnection: close\r\nX-Two: zwei\r\n\r\n");
  h1.receive(bytes, 0, bytes.length);
  const request = first.streams[0]?.request;
  if (request === undefined) throw new Error("no request");
  h2client.request(request, true, new Recorder());
  exchangeBytes(h2client, h2);
  expect(second.events).toEqual(["request GET http://a.b:1/p?q end x-one=1|x-two=zwei"]);
  expect(entries(request.headers)).toBe("x-one=1|x-two=zwei");
});
