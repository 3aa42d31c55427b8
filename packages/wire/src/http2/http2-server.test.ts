import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { exchangeBytes } from "../../test/memory-pipe.ts";
import { feedInPieces, Recorder } from "../../test/recorder.ts";
import { EchoApp } from "../../test/tcp-binding.ts";
import { headerListOf } from "../http/header-list.ts";
import { createRequestHead } from "../http/message-head.ts";
import { createOutputBuffer } from "../output-buffer.ts";
import { createHttp2Client } from "./client-connection.ts";
import * as code from "./error-code.ts";
import * as frame from "./frame.ts";
import { createHpackEncoder } from "./hpack/encoder.ts";
import { createHttp2Server } from "./server-connection.ts";

/** Writes frames as a client would, well-formed or not. */
class Script {
  readonly output = createOutputBuffer();
  readonly #encoder = createHpackEncoder();

  constructor() {
    this.output.append(frame.PREFACE, 0, frame.PREFACE.length);
    frame.writeSettings(this.output, []);
  }

  headers(id: number, endStream: boolean, extra: [string, string][] = [], path = "/"): this {
    const block = createOutputBuffer();
    this.#encoder.begin(block);
    const fields: [string, string][] = [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", path],
      [":authority", "x"],
      ...extra,
    ];
    this.#encoder.list(headerListOf(fields), block);
    const flags = frame.FLAG_END_HEADERS | (endStream ? frame.FLAG_END_STREAM : 0);
    frame.writeFrameHeader(this.output, block.length, frame.HEADERS, flags, id);
    this.output.append(block.bytes, block.start, block.end);
    return this;
  }

  raw(type: number, flags: number, id: number, payload: number[]): this {
    frame.writeFrameHeader(this.output, payload.length, type, flags, id);
    this.output.append(Uint8Array.from(payload), 0, payload.length);
    return this;
  }

  run(options: { nowMs?: () => number } = {}) {
    const recorder = new Recorder();
    const server = createHttp2Server(options, recorder, recorder);
    const bytes = Buffer.from(this.output.bytes.subarray(this.output.start, this.output.end));
    server.receive(bytes, 0, bytes.length);
    return { recorder, server };
  }
}

function failureCode(script: Script): number | undefined {
  return script.run().recorder.failures[0]?.h2Code;
}

describe("floods end the connection with ENHANCE_YOUR_CALM", () => {
  test("rapid reset", () => {
    const script = new Script();
    for (let id = 1; id < 4000; id += 2) script.headers(id, false).raw(frame.RST_STREAM, 0, id, [0, 0, 0, 8]);
    expect(failureCode(script)).toBe(code.ENHANCE_YOUR_CALM);
  });
  test("pings", () => {
    const script = new Script();
    for (let i = 0; i < 2000; i++) script.raw(frame.PING, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]);
    expect(failureCode(script)).toBe(code.ENHANCE_YOUR_CALM);
  });
  test("settings", () => {
    const script = new Script();
    for (let i = 0; i < 2000; i++) script.raw(frame.SETTINGS, 0, 0, []);
    expect(failureCode(script)).toBe(code.ENHANCE_YOUR_CALM);
  });
  test("empty data", () => {
    const script = new Script().headers(1, false);
    for (let i = 0; i < 2000; i++) script.raw(frame.DATA, 0, 1, []);
    expect(failureCode(script)).toBe(code.ENHANCE_YOUR_CALM);
  });
  test("continuations without end", () => {
    const script = new Script().raw(frame.HEADERS, 0, 1, []);
    for (let i = 0; i < 100; i++) script.raw(frame.CONTINUATION, 0, 1, []);
    expect(failureCode(script)).toBe(code.ENHANCE_YOUR_CALM);
  });
  test("streams above the limit", () => {
    const script = new Script();
    for (let id = 1; id < 4000; id += 2) script.headers(id, false);
    expect(failureCode(script)).toBe(code.ENHANCE_YOUR_CALM);
  });
  test("a patient client is not one: the budget refills with time", () => {
    let now = 0;
    const recorder = new Recorder();
    const server = createHttp2Server({ nowMs: () => now }, recorder, recorder);
    const opening = new Script().output;
    const first = Buffer.from(opening.bytes.subarray(0, opening.end));
    server.receive(first, 0, first.length);
    for (let i = 0; i < 3000; i++) {
      now += 1000;
      const ping = Buffer.from([0, 0, 8, frame.PING, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
      server.receive(ping, 0, ping.length);
      server.output.consume(server.output.length);
    }
    expect(recorder.failures).toEqual([]);
  });
});

describe("limits", () => {
  test("headers beyond the limit get 431, and the connection lives on", () => {
    const script = new Script();
    for (let i = 0; i < 3; i++) {
      const extra = Array.from({ length: 90 }, (_, k): [string, string] => [`x-${i}-${k}`, "v".repeat(700)]);
      // As CONTINUATIONs would be too long for one frame, the block is sent in several requests' worth of fields.
      script.headers(1 + i * 2, true, extra.slice(0, 20));
    }
    script.headers(
      7,
      true,
      Array.from({ length: 101 }, (_, k): [string, string] => [`y${k}`, ""]),
    );
    const { recorder, server } = script.run();
    expect(recorder.events.filter((e) => e.startsWith("request")).length).toBe(3);
    expect(server.shouldClose).toBe(false);
  });

  test("an HPACK bomb is counted, not built", () => {
    const encoder = createHpackEncoder();
    const block = createOutputBuffer();
    const value = "b".repeat(2900);
    encoder.list(
      headerListOf([
        [":method", "GET"],
        [":scheme", "http"],
        [":path", "/"],
        ["x-bomb", value],
      ]),
      block,
    );
    const script = new Script();
    const refs = new Array<number>(8000).fill(0x80 | 62);
    const fields = [...block.bytes.subarray(block.start, block.end), ...refs];
    script.raw(frame.HEADERS, frame.FLAG_END_HEADERS | frame.FLAG_END_STREAM, 1, fields);
    script.headers(3, true);
    const { recorder, server } = script.run();
    expect(recorder.events.filter((e) => e.startsWith("request")).length).toBe(1);
    expect(server.shouldClose).toBe(false);
  });
});

describe("properties", () => {
  const scripts = [
    () =>
      new Script()
        .headers(1, false, [["content-length", "3"]])
        .raw(frame.DATA, frame.FLAG_PADDED, 1, [2, 97, 98, 0, 0])
        .raw(frame.DATA, frame.FLAG_END_STREAM, 1, [99])
        .headers(3, true)
        .raw(frame.DATA, 0, 1, [1]),
    () => new Script().headers(1, false).raw(frame.HEADERS, frame.FLAG_END_HEADERS, 1, [0x82]),
    () =>
      new Script()
        .headers(1, true, [
          ["cookie", "a=1"],
          ["cookie", "b=2"],
        ])
        .raw(frame.WINDOW_UPDATE, 0, 0, [0, 0, 0, 0]),
  ];

  test("any split of the bytes gives the same events", () => {
    const random = seededRandom(10);
    for (const make of scripts) {
      const { output } = make();
      const bytes = Buffer.from(output.bytes.subarray(output.start, output.end));
      const whole = make().run().recorder.events;
      expect(whole.length).toBeGreaterThan(1);
      for (let round = 0; round < 40; round++) {
        const recorder = new Recorder();
        const server = createHttp2Server({}, recorder, recorder);
        feedInPieces(server, bytes, round === 0 ? () => 1 : () => Math.floor(random() * 30));
        expect(recorder.events).toEqual(whole);
      }
    }
  });

  test("no damage to the bytes makes either side throw", () => {
    const random = seededRandom(11);
    for (let round = 0; round < 3000; round++) {
      const { output } = (scripts[round % scripts.length] ?? (() => new Script()))();
      const bytes = Buffer.from(output.bytes.subarray(output.start, output.end));
      for (let hit = 0; hit <= round % 4; hit++)
        bytes[24 + Math.floor(random() * (bytes.length - 24))] = Math.floor(random() * 256);
      const app = new EchoApp();
      const server = createHttp2Server({}, new Recorder(), app);
      feedInPieces(server, bytes, () => Math.floor(random() * 100));
      const client = createHttp2Client({}, new Recorder());
      client.request(createRequestHead(), true, new Recorder());
      feedInPieces(client, bytes.subarray(24), () => Math.floor(random() * 100));
      server.receiveEnd();
      expect(server.activeStreams).toBe(0);
    }
  });
});

describe("several streams", () => {
  test("share the connection's window in turn", () => {
    const client = createHttp2Client({ connectionWindow: 65_535 }, new Recorder());
    const server = createHttp2Server({}, new Recorder(), new EchoApp());
    const recorder = new Recorder();
    for (let i = 0; i < 20; i++) {
      client.request(Object.assign(createRequestHead(), { authority: "app", path: "/big/200000" }), true, recorder);
    }
    exchangeBytes(client, server, 5000);
    expect(recorder.events.filter((e) => e.startsWith("body")).length).toBe(20);
    expect(server.activeStreams).toBe(0);
  });

  test("above the peer's limit there is no capacity", () => {
    const host = new Recorder();
    const client = createHttp2Client({}, host);
    const server = createHttp2Server({ maxConcurrentStreams: 2 }, new Recorder(), new Recorder());
    exchangeBytes(client, server);
    expect(client.capacity).toBe(2);
    client.request(createRequestHead(), true, host);
    client.request(createRequestHead(), true, host);
    expect(client.capacity).toBe(0);
    expect(() => client.request(createRequestHead(), true, host)).toThrow();
  });

  test("no more of them than the client wants", () => {
    const host = new Recorder();
    const client = createHttp2Client({ maxConcurrentStreams: 1 }, host);
    exchangeBytes(client, createHttp2Server({}, new Recorder(), new Recorder()));
    client.request(createRequestHead(), true, host);
    expect(client.capacity).toBe(0);
  });

  test("who hears of a lost connection finds no capacity on it", () => {
    const host = new Recorder();
    const client = createHttp2Client({}, host);
    const capacities: number[] = [];
    const stream = client.request(createRequestHead(), true, host);
    stream.handler = Object.assign(new Recorder(), { onReset: () => void capacities.push(client.capacity) });
    client.abort("gone");
    expect(capacities).toEqual([0]);
  });

  test("a PING is pending until it is answered, and there is one at a time", () => {
    const client = createHttp2Client({}, new Recorder());
    const server = createHttp2Server({}, new Recorder(), new EchoApp());
    exchangeBytes(client, server);
    for (const pings of [client.pings, server.pings]) {
      pings?.ping();
      pings?.ping();
      expect(pings?.pingPending).toBe(true);
      // Its header and eight bytes.
      expect(client.output.length + server.output.length).toBe(17);
      exchangeBytes(client, server);
      expect(pings?.pingPending).toBe(false);
    }
  });

  test("GOAWAY refuses what the server did not see, retryable", () => {
    const host = new Recorder();
    const client = createHttp2Client({}, host);
    const stream = client.request(createRequestHead(), true, host);
    const out = createOutputBuffer();
    frame.writeSettings(out, []);
    frame.writeGoaway(out, 0, code.NO_ERROR, "");
    client.receive(out.bytes, out.start, out.end);
    expect(host.events).toEqual([`reset ${stream.id} refused`, `close ${stream.id}`]);
    expect(client.shouldClose).toBe(true);
  });
});
