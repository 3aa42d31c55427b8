import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { feedInPieces, Recorder, takeOutput } from "../../test/recorder.ts";
import { createHeaderList, headerListOf } from "../http/header-list.ts";
import { createResponseHead } from "../http/message-head.ts";
import type { ServerStream } from "../http/stream.ts";
import { createHttp1Server } from "./server-connection.ts";

function answer(status: number, headers: Record<string, string>, body: string | null) {
  return (stream: ServerStream) => {
    const head = createResponseHead();
    head.status = status;
    head.headers = headerListOf(Object.entries(headers));
    stream.sendHead(head, body === null);
    if (body !== null) stream.sendData(Buffer.from(body), 0, body.length, true);
  };
}

function run(input: string, respond = answer(200, {}, null)) {
  const recorder = new Recorder();
  recorder.respond = respond;
  const server = createHttp1Server({}, recorder, recorder);
  const bytes = Buffer.from(input, "latin1");
  server.receive(bytes, 0, bytes.length);
  return { recorder, server, events: recorder.events, output: takeOutput(server) };
}

const GET = "GET /a?b HTTP/1.1\r\nHost: x.test:80\r\n";

describe("requests", () => {
  test("a simple request and an answer without body", () => {
    const { events, output } = run(`${GET}Accept: */*\r\nX-Foo:  bar \r\n\r\n`);
    expect(events).toEqual(["request GET http://x.test:80/a?b end accept=*/*|x-foo=bar", "close 1"]);
    expect(output).toBe("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });

  test("a body with a length, then a pipelined request", () => {
    const { events } = run(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello${GET}\r\n`);
    expect(events).toEqual([
      "request POST http://x/ content-length=5",
      'body 1 "hello"',
      "close 1",
      "request GET http://x.test:80/a?b end ",
      "close 2",
    ]);
  });

  test("chunks, extensions and trailers; framing fields in trailers are dropped", () => {
    const { events } = run(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\n\r\n",
    );
    expect(events).toEqual(["request POST http://x/ ", 'body 1 "hello!" trailers x-t=1', "close 1"]);
  });

  test("hop-by-hop fields and what Connection names do not pass", () => {
    const { events } = run(
      `${GET}Connection: X-Hop, te\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers, gzip\r\nProxy-Connection: x\r\nX-Stay: 2\r\n\r\n`,
    );
    expect(events[0]).toBe("request GET http://x.test:80/a?b end te=trailers|x-stay=2");
  });

  test("the authority of an absolute target wins over Host", () => {
    const { events } = run("GET http://real:81?q HTTP/1.1\r\nHost: other\r\n\r\n");
    expect(events[0]).toBe("request GET http://real:81/?q end ");
  });

  test("HTTP/1.0 closes unless keep-alive is asked for", () => {
    const closed = run("GET / HTTP/1.0\r\n\r\n", answer(200, {}, "hi"));
    expect(closed.output).toBe("HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nhi");
    expect(closed.server.shouldClose).toBe(true);
    const kept = run("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", answer(200, { "content-length": "2" }, "hi"));
    expect(kept.output).toBe("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi");
    expect(kept.server.shouldClose).toBe(false);
  });

  test("answers to HEAD, 204 and 304 have no body", () => {
    expect(run("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", answer(200, { "content-length": "7" }, "ignored")).output).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n",
    );
    expect(run(`${GET}\r\n`, answer(204, {}, null)).output).toBe("HTTP/1.1 204 No Content\r\n\r\n");
    expect(run(`${GET}\r\n`, answer(304, {}, null)).output).toBe("HTTP/1.1 304 Not Modified\r\n\r\n");
  });

  test("a body of unknown length goes out in chunks", () => {
    expect(run(`${GET}\r\n`, answer(200, {}, "hello")).output).toBe(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
  });

  test("untouched lines are copied, changed ones are not, and nothing can split the response", () => {
    const { output } = run(`${GET}X-A: 1\r\nX-B: 2\r\nX-C: 3\r\n\r\n`, (stream) => {
      const head = createResponseHead();
      head.headers = stream.request.headers;
      head.headers.remove("x-b");
      head.headers.append("x-evil", "a\r\nset-cookie: b\u010d\u010a");
      stream.sendHead(head, true);
    });
    expect(output).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nX-A: 1\r\nX-C: 3\r\nx-evil: a  set-cookie: b??\r\n\r\n",
    );
  });

  test("an upgrade turns both directions into raw bytes", () => {
    const { recorder, server, events, output } = run(
      `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly`,
      undefined,
    );
    expect(events[0]).toBe("request GET http://x.test:80/a?b upgrade=websocket ");
    const stream = recorder.streams[0];
    if (stream === undefined) throw new Error("no stream");
    const head = createResponseHead();
    head.status = 101;
    stream.sendHead(head, false);
    stream.sendData(Buffer.from("raw"), 0, 3, false);
    expect(output + takeOutput(server)).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nraw",
    );
    server.receiveEnd();
    expect(events[1]).toBe('body 1 "early"');
    expect(server.shouldClose).toBe(false);
    stream.sendData(Buffer.alloc(0), 0, 0, true);
    expect(server.shouldClose).toBe(true);
  });

  test("a refused upgrade leaves a normal exchange", () => {
    const { output, server } = run(`${GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    expect(output).toBe("");
    expect(server.activeStreams).toBe(1);
    const refused = run(`${GET}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`);
    expect(refused.events[0]).toBe("request GET http://x.test:80/a?b end ");
  });

  test.each(["trailers", "gzip, Trailers", "trailers ,gzip"])("TE: %s asks for trailers", (te) => {
    expect(run(`${GET}TE: ${te}\r\n\r\n`).events[0]).toEndWith(" end te=trailers");
  });

  test.each(["xtrailers", "gzip, trailers2", "trailers;q=0.5"])("TE: %s does not", (te) => {
    expect(run(`${GET}TE: ${te}\r\n\r\n`).events[0]).toEndWith(" end ");
  });
});

describe("refusals", () => {
  const cases: [string, string, number][] = [
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["user info in Host", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400],
    ["two lengths", `${GET}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`, 400],
    ["a list of lengths", `${GET}Content-Length: 1, 1\r\n\r\n`, 400],
    ["a signed length", `${GET}Content-Length: +1\r\n\r\n`, 400],
    ["length and chunks", `${GET}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400],
    ["another coding", `${GET}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501],
    ["chunks in HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
    ["a folded line", `${GET}X-A: 1\r\n 2\r\n\r\n`, 400],
    ["a bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400],
    ["a bare LF in a header", `${GET}X-A: 1\nX-B: 2\r\n\r\n`, 400],
    ["a bare CR", `${GET}X-A: 1\rX: 2\r\n\r\n`, 400],
    ["NUL in a value", `${GET}X-A: 1\0\r\n\r\n`, 400],
    ["a blank before the colon", `${GET}X-A : 1\r\n\r\n`, 400],
    ["an empty name", `${GET}: 1\r\n\r\n`, 400],
    ["a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["a TLS hello", "\x16\x03\x01\x02\x00", 400],
    ["HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505],
    ["an unknown target form", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["* with GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["101 headers", `${GET}${"A: b\r\n".repeat(100)}\r\n`, 431],
    ["a large header", `${GET}A: ${"b".repeat(61_440)}\r\n\r\n`, 431],
  ];
  for (const [name, input, status] of cases) {
    test(name, () => {
      const { recorder, output, server } = run(input);
      expect(recorder.failures.map((f) => f.status)).toEqual([status]);
      expect(output.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
      expect(output).toContain("connection: close\r\n");
      expect(server.shouldClose).toBe(true);
      expect(recorder.closes).toBe(1);
    });
  }

  const bodies: [string, string][] = [
    ["no size", "\r\nx"],
    ["no hex", "g\r\n"],
    ["a huge size", "fffffffffffff\r\n"],
    ["data too long", "1\r\nab\r\n"],
    ["a bare LF", "1\na\r\n"],
    ["a control character in an extension", "1;\x01\r\na"],
    ["extensions without end", `1;${"a".repeat(16_385)}`],
  ];
  for (const [name, body] of bodies) {
    test(`chunks: ${name}`, () => {
      const { recorder, server } = run(`POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
      expect(recorder.failures.map((f) => f.code)).toEqual(["protocol"]);
      expect(recorder.events.slice(-2)).toEqual(["reset 1 protocol", "close 1"]);
      expect(server.shouldClose).toBe(true);
    });
  }
});

describe("ends", () => {
  test("the client goes away before the answer", () => {
    const { recorder, server } = run(`${GET}\r\n`, () => {});
    server.receiveEnd();
    expect(recorder.events.slice(1)).toEqual(["reset 1 cancelled", "close 1"]);
    expect(server.shouldClose).toBe(true);
  });

  test("the client stops inside its body", () => {
    const { recorder, server } = run("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
    server.receiveEnd();
    expect(recorder.events.slice(-2)).toEqual(["reset 1 connection-closed", "close 1"]);
  });

  test("shutdown lets the current exchange finish and says close", () => {
    const { recorder, server } = run(`${GET}\r\n`, () => {});
    server.shutdown();
    expect(server.shouldClose).toBe(false);
    const head = createResponseHead();
    head.headers = createHeaderList();
    recorder.streams[0]?.sendHead(head, true);
    expect(takeOutput(server)).toContain("connection: close");
    expect(server.shouldClose).toBe(true);
  });

  test("a response shorter than its length closes the connection", () => {
    const { recorder, server } = run(`${GET}\r\n`, answer(200, { "content-length": "9" }, "short"));
    expect(recorder.events.slice(-2)).toEqual(["reset 1 local", "close 1"]);
    expect(server.shouldClose).toBe(true);
  });

  test("a paused body waits and then arrives", () => {
    const recorder = new Recorder();
    const server = createHttp1Server({}, recorder, recorder);
    const input = Buffer.from("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    server.receive(input, 0, input.length);
    recorder.streams[0]?.pause();
    server.receive(Buffer.from("hello"), 0, 5);
    expect(recorder.events.length).toBe(1);
    recorder.streams[0]?.resume();
    expect(recorder.events[1]).toBe('body 1 "hello"');
  });

  test("a slow client: sendData says stop, drained says go", () => {
    const { recorder, server } = run(`${GET}\r\n`, () => {});
    const stream = recorder.streams[0];
    stream?.sendHead(createResponseHead(), false);
    expect(stream?.sendData(Buffer.alloc(70_000), 0, 70_000, false)).toBe(false);
    takeOutput(server);
    expect(recorder.events.at(-1)).toBe("drain 1");
  });
});

describe("properties", () => {
  const corpus = [
    `${GET}Accept: */*\r\n\r\nPOST /up HTTP/1.1\r\nHost: y\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n${GET}\r\n`,
    "\r\nPUT /x HTTP/1.1\r\nhost: y\r\ncontent-length: 11\r\nexpect: 100-continue\r\n\r\nhello world",
    `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`,
    "GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
    `${GET}X-Long: ${"v".repeat(3000)}\r\n\r\n`,
  ];

  test("any split of the bytes gives the same events and output", () => {
    const random = seededRandom(1);
    for (const text of corpus) {
      const bytes = Buffer.from(text, "latin1");
      const whole = run(text);
      for (let round = 0; round < 40; round++) {
        const recorder = new Recorder();
        recorder.respond = answer(200, {}, null);
        const server = createHttp1Server({}, recorder, recorder);
        feedInPieces(server, bytes, round === 0 ? () => 1 : () => Math.floor(random() * 40));
        expect(recorder.events).toEqual(whole.events);
        expect(takeOutput(server)).toBe(whole.output);
      }
    }
  });

  test("no damage to the bytes makes it throw or hold more than its limit", () => {
    const random = seededRandom(2);
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(corpus[round % corpus.length] ?? "", "latin1");
      for (let hit = 0; hit <= round % 4; hit++) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      const recorder = new Recorder();
      recorder.respond = answer(200, {}, null);
      const server = createHttp1Server({}, recorder, recorder);
      feedInPieces(server, bytes, () => Math.floor(random() * 200));
      server.receiveEnd();
      expect(recorder.closes).toBeLessThanOrEqual(1);
    }
  });
});
