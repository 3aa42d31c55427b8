import { expect, test } from "bun:test";
import { damaged, seededRandom } from "@heddle/std/damage";
import { decodeGrpcMessage, encodeGrpcMessage } from "./grpc/grpc-status.ts";
import { formatGrpcTimeout, parseGrpcTimeout } from "./grpc/grpc-timeout.ts";
import { createGrpcMessageReader, writeGrpcMessage } from "./grpc/message-framing.ts";
import { createOutputBuffer } from "./output-buffer.ts";
import { MAX_SNIFF_BYTES, type SniffedProtocol, sniffProtocol } from "./sniff/protocol-sniff.ts";
import { MAX_CLIENT_HELLO_BYTES, readClientHello } from "./tls/client-hello.ts";
import {
  createWebSocketReader,
  WS_BINARY,
  WS_CLOSE,
  WS_CONTINUATION,
  WS_PING,
  WS_TEXT,
  writeWebSocketFrame,
} from "./websocket/frame-codec.ts";

// Whatever arrives: nothing throws, nothing waits for ever, a verdict does not depend on how the bytes were cut.

/** The hello of a TLS 1.3 client for `www.example`, ALPN h2. */
const HELLO = Buffer.from(
  "16030100fe010000fa0303defe4b06ec2452aed37f304eb3f0ae1f59208d9cda94604fad8627ff2b78087520c03338a93e5aae286d7275872bdc" +
    "fd2f23e7aeaeb8c05bf1b2ff7f2ac30540210024130113021303c02fc02bc030c02cc027cca9cca8c009c013c00ac014009c009d002f00350100" +
    "008d00000010000e00000b7777772e6578616d706c6500170000ff01000100000a00040002001d000b0002010000230000001000050003026832" +
    "000d0018001604030804040105030805050108060601080706030201003300260024001d0020dc6a24805f9a4f52cfe58c0f68b5725a0b06c4fe" +
    "98745e122c12fcafdc244e45002d00020101002b00050403040303",
  "hex",
);
const REQUESTS = [
  "GET /a HTTP/1.1\r\nhost: a\r\n\r\n",
  "CONNECT a:1 HTTP/1.1\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

test("inspectors decide on any bytes, for good, within their limits", () => {
  const random = seededRandom(41);
  const seeds = [HELLO, ...REQUESTS.map((text) => Buffer.from(text, "latin1"))];
  const verdicts = new Set<string>();
  expect(readClientHello(HELLO)).toMatchObject({ ok: true, value: { serverName: "www.example", alpn: ["h2"] } });
  for (let round = 0; round < 1500; round++) {
    const bytes = damaged(seeds[round % seeds.length] ?? HELLO, random);
    let decided: SniffedProtocol | undefined;
    let hello: string | undefined;
    for (let end = 0; end <= bytes.length; end += 1 + Math.floor(random() * 7)) {
      const part = bytes.subarray(0, end);
      const now = sniffProtocol(part);
      if (decided !== undefined) expect(now).toBe(decided);
      decided = now;
      const read = readClientHello(part);
      const text = read === undefined ? undefined : JSON.stringify(read);
      if (hello !== undefined) expect(text).toBe(hello);
      hello = text;
      if (read?.ok === false) expect(read.error).not.toBe("");
    }
    verdicts.add(String(decided));
    // Who goes on sending gets a verdict.
    const long = Buffer.concat([bytes, Buffer.alloc(MAX_SNIFF_BYTES, 0x61)]);
    if (bytes.length > 0) expect(sniffProtocol(long)).toBeDefined();
    const endless = Buffer.concat([bytes, Buffer.alloc(2 * MAX_CLIENT_HELLO_BYTES, round % 256)]);
    expect(readClientHello(endless)).toBeDefined();
  }
  expect(verdicts.size).toBeGreaterThan(2);
});

test("gRPC framing: any cut gives the same messages and the same end", () => {
  const random = seededRandom(42);
  const output = createOutputBuffer();
  for (const size of [0, 1, 5, 300, 2000]) writeGrpcMessage(output, Buffer.alloc(size, 7));
  const whole = Buffer.from(output.bytes.subarray(0, output.length));
  const outcome = (bytes: Buffer, cut: () => number): string => {
    const seen: string[] = [];
    const reader = createGrpcMessageReader(
      {
        onMessage: (from, start, end, compressed) =>
          void seen.push(`${compressed} ${Bun.hash(from.subarray(start, end))} ${end - start}`),
      },
      4096,
    );
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + cut());
      const failure = reader.receive(bytes, at, end);
      if (failure !== null) return [...seen, failure.message].join("\n");
      at = end;
    }
    return [...seen, reader.finish()?.message ?? "complete"].join("\n");
  };
  const ends = new Set<string>();
  for (let round = 0; round < 1500; round++) {
    const bytes = damaged(whole, random);
    const once = outcome(bytes, () => bytes.length);
    expect(outcome(bytes, () => 1 + Math.floor(random() * 40))).toBe(once);
    ends.add(once.slice(once.lastIndexOf("\n") + 1).replace(/\d+/g, "N"));
  }
  expect(ends.size).toBeGreaterThan(3);
});

test("an announced gRPC length alone takes no memory", () => {
  const before = process.memoryUsage().rss;
  const readers = Array.from({ length: 200 }, () => {
    const reader = createGrpcMessageReader({ onMessage: () => {} }, 64 * 1024 * 1024);
    expect(reader.receive(Buffer.from([0, 3, 255, 255, 255, 1]), 0, 6)).toBeNull();
    return reader;
  });
  expect(process.memoryUsage().rss - before).toBeLessThan(512 * 1024 * 1024);
  expect(readers.every((reader) => reader.finish() !== null)).toBe(true);
});

test("gRPC texts: every timeout is refused or finite, every message survives", () => {
  const random = seededRandom(43);
  const alphabet = "0123456789HMSmun%+-. \u00e9\u{1f600}\n";
  const some = (length: number) =>
    Array.from({ length }, () => [...alphabet][Math.floor(random() * [...alphabet].length)]).join("");
  for (let round = 0; round < 5000; round++) {
    const text = some(Math.floor(random() * 12));
    const timeout = parseGrpcTimeout(text);
    if (timeout !== undefined) {
      expect(Number.isFinite(timeout) && timeout >= 0).toBe(true);
      expect(parseGrpcTimeout(formatGrpcTimeout(timeout))).toBeGreaterThanOrEqual(timeout);
    }
    expect(decodeGrpcMessage(encodeGrpcMessage(text))).toBe(text);
    expect(typeof decodeGrpcMessage(text)).toBe("string");
  }
});

test("WebSocket: any cut gives the same events and the same failure", () => {
  const random = seededRandom(44);
  const ends = new Set<string>();
  for (const from of ["client", "server"] as const) {
    const mask = from === "client" ? Buffer.from([1, 2, 3, 255]) : null;
    const output = createOutputBuffer();
    writeWebSocketFrame(output, WS_TEXT, Buffer.from("h\u00e9"), mask, false);
    writeWebSocketFrame(output, WS_PING, Buffer.from("p"), mask);
    writeWebSocketFrame(output, WS_CONTINUATION, Buffer.from("lo"), mask);
    writeWebSocketFrame(output, WS_BINARY, Buffer.alloc(300, 99), mask);
    writeWebSocketFrame(output, WS_CLOSE, Buffer.from([3, 232]), mask);
    const whole = Buffer.from(output.bytes.subarray(0, output.length));
    const outcome = (bytes: Buffer, cut: () => number): string => {
      const seen: string[] = [];
      const reader = createWebSocketReader(
        { from, maxMessageBytes: 4096 },
        {
          onMessage: (opcode, payload) => void seen.push(`message ${opcode} ${payload.toString("hex")}`),
          onControl: (opcode, payload) => void seen.push(`control ${opcode} ${payload.toString("hex")}`),
        },
      );
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + cut());
        const failure = reader.receive(bytes, at, end);
        if (failure !== null) return [...seen, `${failure.h2Code} ${failure.message}`].join("\n");
        at = end;
      }
      return [...seen, "waits"].join("\n");
    };
    for (let round = 0; round < 1000; round++) {
      const bytes = damaged(whole, random);
      const once = outcome(bytes, () => bytes.length);
      expect(outcome(bytes, () => 1 + Math.floor(random() * 30))).toBe(once);
      ends.add(once.slice(once.lastIndexOf("\n") + 1).replace(/\d+/g, "N"));
    }
  }
  expect(ends.size).toBeGreaterThan(4);
});
