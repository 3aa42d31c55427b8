import { describe, expect, test } from "bun:test";
import { Duplex } from "node:stream";
import { serveChannels } from "./channels.ts";
import { WebSocketDecoder, WebSocketError, type WebSocketMessage } from "./frames.ts";
import { webSocketAnswer } from "./handshake.ts";

function clientFrame(opcode: number, data: Uint8Array, fin = true): Uint8Array {
  const mask = [1, 2, 3, 4];
  const head =
    data.length < 126
      ? [(fin ? 0x80 : 0) | opcode, 0x80 | data.length]
      : [(fin ? 0x80 : 0) | opcode, 0x80 | 126, data.length >> 8, data.length & 0xff];
  return Uint8Array.from([...head, ...mask, ...data.map((byte, index) => byte ^ (mask[index & 3] ?? 0))]);
}

const text = (message: WebSocketMessage | undefined): string =>
  "data" in (message ?? {}) && message && "data" in message ? Buffer.from(message.data).toString() : "";

describe("WebSocket frames", () => {
  test("any split of the bytes gives the same messages", () => {
    const long = Buffer.alloc(300, "x");
    const bytes = Buffer.concat([
      clientFrame(2, Buffer.from("one")),
      clientFrame(2, Buffer.from("tw"), false),
      clientFrame(9, Buffer.from("ping")),
      clientFrame(0, Buffer.from("o")),
      clientFrame(2, long),
      clientFrame(8, Uint8Array.of(3, 232)),
    ]);
    for (const size of [1, 5, bytes.length]) {
      const decoder = new WebSocketDecoder();
      const messages: WebSocketMessage[] = [];
      for (let at = 0; at < bytes.length; at += size) messages.push(...decoder.push(bytes.subarray(at, at + size)));
      expect(messages.map((message) => message.kind)).toEqual(["message", "ping", "message", "message", "close"]);
      expect(text(messages[0])).toBe("one");
      expect(text(messages[2])).toBe("two");
      expect(text(messages[3])).toBe(long.toString());
    }
  });

  test("unmasked frames are refused", () => {
    expect(() => new WebSocketDecoder().push(Uint8Array.of(0x82, 1, 65))).toThrow(WebSocketError);
  });

  test("the handshake answer is the one of RFC 6455", () => {
    expect(webSocketAnswer("dGhlIHNhbXBsZSBub25jZQ==", "v5.channel.k8s.io")).toContain(
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    );
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

test("channels carry their number; v5 ends one of them", async () => {
  const socket = new FakeSocket();
  const channels = serveChannels(socket, new Uint8Array(0), 3, { base64: false, closeSignal: true });
  const [stdin, stdout] = channels.streams;
  const received: string[] = [];
  let ended = false;
  stdin?.on("data", (chunk: Buffer) => received.push(chunk.toString()));
  stdin?.on("end", () => {
    ended = true;
  });
  socket.push(clientFrame(2, Buffer.from("\x00input")));
  socket.push(clientFrame(2, Uint8Array.of(255, 0)));
  stdout?.write("out");
  await Bun.sleep(10);
  expect(received).toEqual(["input"]);
  expect(ended).toBe(true);
  expect(Buffer.concat(socket.sent).toString("latin1")).toBe("\x82\x04\x01out");
  socket.destroy();
  await channels.closed;
});

test("base64 channels are text", async () => {
  const socket = new FakeSocket();
  const channels = serveChannels(socket, new Uint8Array(0), 2, { base64: true, closeSignal: false });
  const received: string[] = [];
  channels.streams[0]?.on("data", (chunk: Buffer) => received.push(chunk.toString()));
  socket.push(clientFrame(1, Buffer.from(`0${Buffer.from("hi").toString("base64")}`)));
  await Bun.sleep(10);
  expect(received).toEqual(["hi"]);
  socket.destroy();
});
