import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { feedInPieces, Recorder, takeOutput } from "../../test/recorder.ts";
import { headerListOf } from "../http/header-list.ts";
import { createRequestHead, type RequestHead } from "../http/message-head.ts";
import { createHttp1Client } from "./client-connection.ts";

function start(changes: Partial<RequestHead> = {}, endStream = true) {
  const recorder = new Recorder();
  const client = createHttp1Client({}, recorder);
  const head = Object.assign(createRequestHead(), { authority: "x", ...changes });
  const stream = client.request(head, endStream, recorder);
  const answer = (text: string) => {
    const bytes = Buffer.from(text, "latin1");
    client.receive(bytes, 0, bytes.length);
  };
  return { recorder, client, stream, answer, events: recorder.events };
}

describe("requests on the wire", () => {
  const written: [string, Partial<RequestHead>, boolean, string][] = [
    ["GET", { path: "/a?b" }, true, "GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["POST without body", { method: "POST" }, true, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"],
    [
      "POST of unknown length",
      { method: "POST" },
      false,
      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
    [
      "POST of known length",
      { method: "POST", headers: headerListOf([["content-length", "3"]]) },
      false,
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n",
    ],
    ["CONNECT", { method: "CONNECT", authority: "a:1", path: "" }, false, "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n"],
    [
      "upgrade",
      { protocol: "websocket" },
      false,
      "GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n",
    ],
    [
      "a target that would break the line",
      { path: "/a b\r\nX: 1" },
      true,
      "GET /a%20b__X:%201 HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
  ];
  for (const [name, changes, endStream, expected] of written) {
    test(name, () => expect(takeOutput(start(changes, endStream).client)).toBe(expected));
  }
});

test("interim responses without end are no answer", () => {
  const { answer, events, recorder } = start();
  for (let i = 0; i < 300; i++) answer("HTTP/1.1 103 Early Hints\r\n\r\n");
  expect(events.filter((e) => e.startsWith("info")).length).toBe(256);
  expect(events.at(-2)).toBe("reset 1 protocol");
  expect(recorder.failures[0]?.message).toContain("interim responses without end");
});

describe("responses", () => {
  const OK = "HTTP/1.1 200 OK\r\n";
  const cases: [string, string, string[], boolean][] = [
    ["a length", `${OK}Content-Length: 2\r\n\r\nhi`, ["head 1 200 content-length=2", 'body 1 "hi"', "close 1"], false],
    [
      "chunks",
      `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
      ["head 1 200 ", 'body 1 "hi"', "close 1"],
      false,
    ],
    ["no body", "HTTP/1.1 204 No Content\r\n\r\n", ["head 1 204 end ", "close 1"], false],
    ["no reason", "HTTP/1.1 304\r\n\r\n", ["head 1 304 end ", "close 1"], false],
    [
      "connection: close",
      `${OK}Connection: close\r\nContent-Length: 0\r\n\r\n`,
      ["head 1 200 end content-length=0", "close 1"],
      true,
    ],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", ["head 1 200 end content-length=0", "close 1"], true],
    [
      "interim heads",
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
      ["info 1 100 ", "info 1 103 link=a", "head 1 200 end content-length=0", "close 1"],
      false,
    ],
  ];
  for (const [name, text, expected, closes] of cases) {
    test(name, () => {
      const { answer, events, client } = start();
      answer(text);
      expect(events).toEqual(expected);
      expect(client.shouldClose).toBe(closes);
      expect(client.capacity).toBe(closes ? 0 : 1);
    });
  }

  test("a body that ends with the connection", () => {
    const { answer, events, client } = start();
    answer(`${OK}\r\nall there is`);
    client.receiveEnd();
    expect(events).toEqual(["head 1 200 ", 'body 1 "all there is"', "close 1"]);
    expect(client.shouldClose).toBe(true);
  });

  test("the next request may start from onClose", () => {
    const { recorder, client, answer } = start();
    let more = true;
    recorder.onClose = () => {
      if (more) client.request(createRequestHead(), true, recorder);
      more = false;
    };
    answer(`${OK}Content-Length: 0\r\n\r\n`);
    answer(`${OK}Content-Length: 0\r\n\r\n`);
    expect(recorder.events.filter((e) => e.startsWith("head")).length).toBe(2);
    expect(client.capacity).toBe(1);
  });

  const refused: [string, string][] = [
    ["not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["bad status", "HTTP/1.1 20 OK\r\n\r\n"],
    ["two lengths", `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ["length and chunks", `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ["an unasked upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["a control character", `${OK}X: \x01\r\n\r\n`],
  ];
  for (const [name, text] of refused) {
    test(`refused: ${name}`, () => {
      const { answer, events, client } = start();
      answer(text);
      expect(events.slice(-2)).toEqual(["reset 1 protocol", "close 1"]);
      expect(client.shouldClose).toBe(true);
    });
  }

  test("the server goes away: before, inside and between answers", () => {
    const before = start();
    before.client.receiveEnd();
    expect(before.events).toEqual(["reset 1 connection-closed", "close 1"]);
    const inside = start();
    inside.answer(`${OK}Content-Length: 5\r\n\r\nhe`);
    inside.client.receiveEnd();
    expect(inside.events.slice(-2)).toEqual(["reset 1 protocol", "close 1"]);
    const broken = start();
    broken.answer(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhe`);
    broken.client.abort("connection reset by peer");
    expect(broken.events.slice(-2)).toEqual(["reset 1 protocol", "close 1"]);
    const endless = start();
    endless.answer(`${OK}\r\nhe`);
    endless.client.abort("connection reset by peer");
    expect(endless.events.slice(-2)).toEqual(["reset 1 connection-closed", "close 1"]);
    const between = start();
    between.answer(`${OK}Content-Length: 0\r\n\r\n`);
    between.client.receiveEnd();
    expect([between.client.shouldClose, between.client.capacity]).toEqual([true, 0]);
  });

  test("bytes that nobody asked for end the connection", () => {
    const { answer, client } = start();
    answer(`${OK}Content-Length: 0\r\n\r\n${OK}Content-Length: 0\r\n\r\n`);
    expect(client.capacity + Number(!client.shouldClose)).toBe(0);
  });

  test("any split gives the same events", () => {
    const random = seededRandom(12);
    const text = `HTTP/1.1 100 Continue\r\n\r\n${OK}X-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 2\r\n\r\n`;
    const expected = ["info 1 100 ", "head 1 200 x-a=1", 'body 1 "hello" trailers x-t=2', "close 1"];
    for (let round = 0; round < 50; round++) {
      const { client, events } = start();
      feedInPieces(client, Buffer.from(text), round === 0 ? () => 1 : () => Math.floor(random() * 25));
      expect(events).toEqual(expected);
    }
  });
});
