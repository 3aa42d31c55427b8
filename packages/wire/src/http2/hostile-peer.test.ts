import { describe, expect, test } from "bun:test";
import { Recorder } from "../../test/recorder.ts";
import { createRequestHead } from "../http/message-head.ts";
import { createOutputBuffer, type OutputBuffer } from "../output-buffer.ts";
import { createHttp2Client } from "./client-connection.ts";
import * as code from "./error-code.ts";
import * as frame from "./frame.ts";
import { createHttp2Server } from "./server-connection.ts";

const raw = (out: OutputBuffer, type: number, flags: number, id: number, payload: readonly number[]) => {
  frame.writeFrameHeader(out, payload.length, type, flags, id);
  out.append(Uint8Array.from(payload), 0, payload.length);
};
/** `:method GET`, `:scheme http`, `:path /`, `:authority x` of HPACK's tables. */
const REQUEST = [0x82, 0x86, 0x84, 0x01, 0x01, 0x78];
/** `:status 103`, literal. */
const HINTS = [0x08, 0x03, 0x31, 0x30, 0x33];
const OK = [0x88];
const END = frame.FLAG_END_HEADERS | frame.FLAG_END_STREAM;

describe("a client that makes the server reset its streams", () => {
  test.each([
    ["WINDOW_UPDATE of 0", frame.WINDOW_UPDATE, [0, 0, 0, 0]],
    ["a window that is too large", frame.WINDOW_UPDATE, [0x7f, 0xff, 0xff, 0xff]],
    ["PRIORITY on itself", frame.PRIORITY, undefined],
    ["DATA behind its end", frame.DATA, [1]],
    ["HEADERS behind its end", frame.HEADERS, OK],
  ])("%s", (_name, type, payload) => {
    const recorder = new Recorder();
    const server = createHttp2Server({}, recorder, recorder);
    const out = createOutputBuffer();
    out.append(frame.PREFACE, 0, frame.PREFACE.length);
    frame.writeSettings(out, []);
    for (let id = 1; id < 6000; id += 2) {
      raw(out, frame.HEADERS, END, id, REQUEST);
      raw(out, type, type === frame.HEADERS ? END : 0, id, payload ?? [0, 0, id >> 8, id & 255, 0]);
    }
    const bytes = Buffer.from(out.bytes.subarray(out.start, out.end));
    server.receive(bytes, 0, bytes.length);
    expect(recorder.failures[0]?.h2Code).toBe(code.ENHANCE_YOUR_CALM);
    expect(recorder.streams.length).toBeLessThan(1100);
    expect(server.activeStreams).toBe(0);
  });
});

describe("a client whose frames are no use to anybody", () => {
  const run = (write: (out: OutputBuffer, i: number) => void) => {
    const recorder = new Recorder();
    const server = createHttp2Server({}, recorder, recorder);
    const out = createOutputBuffer();
    out.append(frame.PREFACE, 0, frame.PREFACE.length);
    frame.writeSettings(out, []);
    raw(out, frame.HEADERS, END, 1, REQUEST);
    for (let i = 0; i < 3000; i++) write(out, i);
    const bytes = Buffer.from(out.bytes.subarray(out.start, out.end));
    server.receive(bytes, 0, bytes.length);
    return recorder.failures[0]?.h2Code;
  };
  test.each([
    ["window updates of the connection", frame.WINDOW_UPDATE, 0, 0, [0, 0, 0, 1]],
    ["window updates of a stream", frame.WINDOW_UPDATE, 0, 1, [0, 0, 0, 1]],
    ["answers to no PING", frame.PING, frame.FLAG_ACK, 0, [1, 2, 3, 4, 5, 6, 7, 8]],
    ["SETTINGS acknowledged again and again", frame.SETTINGS, frame.FLAG_ACK, 0, []],
  ])("%s", (_name, type, flags, id, payload) => {
    expect(run((out) => raw(out, type, flags, id, payload))).toBe(code.ENHANCE_YOUR_CALM);
  });

  test("but a window for each of very many streams is of use", () => {
    expect(
      run((out, i) => {
        if (i >= 90) return;
        raw(out, frame.HEADERS, frame.FLAG_END_HEADERS, 3 + 2 * i, REQUEST);
        raw(out, frame.WINDOW_UPDATE, 0, 3 + 2 * i, [0, 1, 0, 0]);
      }),
    ).toBeUndefined();
  });
});

function startClient(options: { nowMs?: () => number } = {}) {
  const host = new Recorder();
  const client = createHttp2Client(options, host);
  const feed = (write: (out: OutputBuffer) => void) => {
    const out = createOutputBuffer();
    write(out);
    client.receive(out.bytes, out.start, out.end);
    client.output.consume(client.output.length);
  };
  feed((out) => frame.writeSettings(out, []));
  return { host, client, feed, ask: () => client.request(createRequestHead(), true, host) };
}

describe("a server", () => {
  test("that asks for a sign of life every half minute, for days, keeps its connection", () => {
    let now = 0;
    const { host, feed } = startClient({ nowMs: () => now });
    for (let i = 0; i < 6000; i++) {
      now += 30_000;
      feed((out) => raw(out, frame.PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]));
    }
    expect(host.failures).toEqual([]);
  });

  test("whose interim responses do not end loses its connection", () => {
    const { host, feed, ask } = startClient();
    const { id } = ask();
    feed((out) => {
      for (let i = 0; i < 3000; i++) raw(out, frame.HEADERS, frame.FLAG_END_HEADERS, id, HINTS);
    });
    expect(host.failures[0]?.h2Code).toBe(code.ENHANCE_YOUR_CALM);
    expect(host.events.filter((e) => e.startsWith("info")).length).toBe(999);
  });

  test.each([
    ["header blocks", (out: OutputBuffer, id: number) => raw(out, frame.HEADERS, frame.FLAG_END_HEADERS, id, HINTS)],
    ["resets", (out: OutputBuffer, id: number) => raw(out, frame.RST_STREAM, 0, id, [0, 0, 0, 8])],
  ])("that goes on with %s for a stream that we gave up loses its connection", (_name, write) => {
    const { host, feed, ask } = startClient();
    const stream = ask();
    stream.reset();
    feed((out) => {
      for (let i = 0; i < 3000; i++) write(out, stream.id);
    });
    expect(host.failures[0]?.h2Code).toBe(code.ENHANCE_YOUR_CALM);
  });

  test("whose answers cross our resets keeps its connection", () => {
    const { host, feed, ask } = startClient();
    for (let i = 0; i < 5000; i++) {
      const stream = ask();
      stream.reset();
      feed((out) => {
        raw(out, frame.HEADERS, frame.FLAG_END_HEADERS, stream.id, HINTS);
        raw(out, frame.HEADERS, frame.FLAG_END_HEADERS, stream.id, OK);
        raw(out, frame.HEADERS, END, stream.id, []);
        raw(out, frame.RST_STREAM, 0, stream.id, [0, 0, 0, 0]);
      });
    }
    expect(host.failures).toEqual([]);
  });
});
