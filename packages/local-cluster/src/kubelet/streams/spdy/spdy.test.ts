import { describe, expect, test } from "bun:test";
import { Duplex } from "node:stream";
import { constants, createDeflate } from "node:zlib";
import type { RemoteStream } from "../remote-stream.ts";
import {
  encodeData,
  encodePing,
  encodeSynReply,
  encodeSynStream,
  SpdyDecoder,
  SpdyError,
  type SpdyFrame,
} from "./frames.ts";
import { formatHeaderBlock, HeaderReader, HeaderWriter, parseHeaderBlock } from "./header-block.ts";
import { HEADER_DICTIONARY } from "./header-dictionary.ts";
import { serveSpdy } from "./spdy-connection.ts";

function adler32(data: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

/** Header blocks as Go's client makes them: one zlib stream, dictionary, sync flush. */
function createClientHeaders(): (headers: ReadonlyMap<string, string>) => Promise<Uint8Array> {
  const deflate = createDeflate({ dictionary: HEADER_DICTIONARY });
  const out: Buffer[] = [];
  deflate.on("data", (chunk: Buffer) => out.push(chunk));
  return (headers) =>
    new Promise((resolve) => {
      deflate.write(formatHeaderBlock(headers));
      deflate.flush(constants.Z_SYNC_FLUSH, () => resolve(Buffer.concat(out.splice(0))));
    });
}

const HEADERS = new Map([
  ["streamtype", "data"],
  ["port", "8080"],
  ["requestid", "0"],
]);

describe("SPDY headers", () => {
  test("the dictionary is the one that the specification names", () => {
    expect(adler32(HEADER_DICTIONARY)).toBe(0xe3c6a7c2);
  });

  test("blocks of one connection are read one after the other", async () => {
    const compress = createClientHeaders();
    const reader = new HeaderReader();
    for (const type of ["error", "data", "error"]) {
      const headers = new Map([...HEADERS, ["streamtype", type]]);
      expect(await reader.read(await compress(headers))).toEqual(headers);
    }
    reader.close();
  });

  test("what the writer makes is a zlib stream", async () => {
    const writer = new HeaderWriter();
    const reader = new HeaderReader();
    expect(await reader.read(writer.write(new Map()))).toEqual(new Map());
    expect(await reader.read(writer.write(HEADERS))).toEqual(HEADERS);
    reader.close();
  });

  test("garbage and absurd counts are errors, not crashes", async () => {
    const reader = new HeaderReader();
    expect(reader.read(Uint8Array.of(1, 2, 3, 4, 5))).rejects.toThrow(SpdyError);
    expect(() => parseHeaderBlock(Uint8Array.of(0xff, 0, 0, 0))).toThrow(SpdyError);
    expect(parseHeaderBlock(formatHeaderBlock(HEADERS).subarray(0, 20))).toBeUndefined();
  });
});

describe("SPDY frames", () => {
  const stream = Buffer.concat([
    encodeSynStream(1, Uint8Array.of(9, 9)),
    encodeData(1, Buffer.from("hello"), false),
    encodePing(7),
    encodeSynReply(1, Uint8Array.of(8)),
    encodeData(1, new Uint8Array(0), true),
  ]);
  const plain = (frames: readonly SpdyFrame[]): unknown =>
    frames.map((frame) => ("data" in frame ? { ...frame, data: Buffer.from(frame.data).toString() } : frame.kind));

  test("any split of the bytes gives the same frames", () => {
    const whole = plain(new SpdyDecoder().push(stream));
    expect(whole).toEqual([
      "syn-stream",
      { kind: "data", streamId: 1, fin: false, data: "hello" },
      "ping",
      "syn-reply",
      { kind: "data", streamId: 1, fin: true, data: "" },
    ]);
    for (const size of [1, 2, 3, 7, 13]) {
      const decoder = new SpdyDecoder();
      const frames: SpdyFrame[] = [];
      for (let at = 0; at < stream.length; at += size) frames.push(...decoder.push(stream.subarray(at, at + size)));
      expect(plain(frames)).toEqual(whole);
    }
  });

  test("other versions and oversized frames are refused", () => {
    expect(() => new SpdyDecoder().push(Uint8Array.of(0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1))).toThrow(SpdyError);
    expect(() => new SpdyDecoder().push(Uint8Array.of(0, 0, 0, 1, 0, 0xff, 0xff, 0xff))).toThrow(SpdyError);
    expect(() => new SpdyDecoder().push(Uint8Array.of(0x80, 3, 0, 1, 0, 0, 0, 1, 0))).toThrow(SpdyError);
  });
});

class FakeSocket extends Duplex {
  readonly sent: Buffer[] = [];
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.sent.push(chunk);
    done();
  }
}

test("a connection answers, echoes pings and hands over streams", async () => {
  const socket = new FakeSocket();
  const streams: RemoteStream[] = [];
  const connection = serveSpdy(socket, new Uint8Array(0), (stream) => {
    streams.push(stream);
    stream.pipe(stream);
  });
  const compress = createClientHeaders();
  socket.push(encodeSynStream(1, await compress(HEADERS)));
  socket.push(encodePing(3));
  socket.push(encodeData(1, Buffer.from("echo me"), false));
  socket.push(encodeData(1, new Uint8Array(0), true));
  // Headers are inflated on another thread.
  const sent = () => new SpdyDecoder().push(Buffer.concat(socket.sent));
  for (let tries = 0; tries < 400 && sent().length < 4; tries++) await Bun.sleep(10);
  const frames = sent();
  expect(streams[0]?.headers).toEqual(HEADERS);
  expect(frames.map((frame) => frame.kind)).toEqual(["syn-reply", "ping", "data", "data"]);
  const [, , data, end] = frames;
  expect(data?.kind === "data" && Buffer.from(data.data).toString()).toBe("echo me");
  expect(end?.kind === "data" && end.fin).toBe(true);
  socket.destroy();
  await connection.closed;
});
